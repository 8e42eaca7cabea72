//! Servers that are broken in all the ways that are known, beside one that is not: what is said of
//! each, and that their checks stay in time.

use std::io::Read;

use anyhow::{Context, ensure};
use lb_tests::client::{TIMEOUT, connect};

use super::{from_clients, has, service, wait_state, wait_up, with_services};

/// Behaviour `argv[1]` on port `argv[2]`.
const SERVER: &str = r#"
import socket, struct, sys, threading, time
def good(c):
    c.recv(4096); c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood"); c.close()
def silent(c):
    while c.recv(4096): pass
def resets(c):
    c.recv(4096); c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)); c.close()
def drips(c):
    for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood":
        c.sendall(bytes([byte])); time.sleep(1)
def endless(c):
    c.sendall(b"HTTP/1.1 200 OK\r\n")
    while True: c.sendall(b"X-Header: and one more\r\n" * 100)
def garbage(c):
    while True: c.sendall(b"\x16\x03\xff\x00garbage" * 1000)
serve = globals()[sys.argv[1]]
def quietly(c):
    try: serve(c)
    except OSError: pass
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("0.0.0.0", int(sys.argv[2])))
listener.listen(1024)
while True:
    c, _ = listener.accept()
    threading.Thread(target=quietly, args=(c,), daemon=True).start()
"#;

/// What a server does, and words of what is said of it.
type Broken = (&'static str, &'static str);

/// Port, check, second and third server; the first is good, if the check is not of TLS.
const ROWS: [(u16, &str, [Broken; 2]); 4] = [
    (
        9000,
        "http",
        [
            ("silent", "no answer came"),
            ("resets", "reset the connection"),
        ],
    ),
    (
        9001,
        "http",
        [
            ("drips", "no answer came"),
            (
                "endless",
                // Whichever end of it is noticed first.
                "no head of HTTP with at most 64 KiB and 128 headers | closed the connection",
            ),
        ],
    ),
    (
        9002,
        "http",
        [("garbage", "down"), ("silent", "no answer came")],
    ),
    (
        9003,
        "https",
        [("garbage", "TLS with"), ("silent", "not TLS in it")],
    ),
];

#[test]
fn broken_servers_are_named_for_what_they_do() {
    if !has("python3") {
        return;
    }
    let name = |port: u16| format!("b{port}");
    let services = ROWS
        .iter()
        .map(|(port, kind, _)| service(&name(*port), *port, "tcp", &format!("type = {kind:?}")))
        .collect();
    with_services(
        services,
        |lab, programs| {
            for (port, _, [second, third]) in ROWS {
                for (number, what) in [(1, "good"), (2, second.0), (3, third.0)] {
                    programs.start(lab, number, |command| {
                        command.args(["python3", "-c", SERVER, what, &port.to_string()]);
                    })?;
                }
            }
            Ok(())
        },
        |lab, programs| {
            for (port, kind, [second, third]) in ROWS {
                let name = name(port);
                if kind == "http" {
                    wait_up(lab, &name, 1)?;
                } else {
                    wait_state(lab, &name, 1, "down", "TLS with")?;
                }
                for (number, words) in [(2, second.1), (3, third.1)] {
                    // Garbage is refused in words of the parser's.
                    let words = if words == "down" { "" } else { words };
                    wait_state(lab, &name, number, "down", words)?;
                }
            }
            // Every client gets the good one's page.
            let pages = from_clients(lab, 9000, |client, to| {
                let mut stream = connect(client, to, TIMEOUT)?;
                stream.set_read_timeout(Some(TIMEOUT))?;
                std::io::Write::write_all(&mut stream, b"GET / HTTP/1.0\r\n\r\n")?;
                let mut page = String::new();
                stream.read_to_string(&mut page)?;
                Ok(page)
            })?;
            ensure!(pages.iter().all(|page| page.ends_with("good")), "{pages:?}");
            // None of them keeps the others' probes from starting: lateness is of lvx alone.
            let checks = lab.directors[0].status()?["checks"].clone();
            let usual = checks["usual_lateness"].as_u64().context("lateness")?;
            ensure!(usual < 1_000_000, "{checks}");
            programs.kill(1);
            wait_state(lab, &name(9000), 1, "down", "nothing listens on the port").map(drop)
        },
    );
}
