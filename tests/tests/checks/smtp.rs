//! A mail server (aiosmtpd) beside one that wants no mail.

use std::io::Read;

use anyhow::ensure;
use lb_tests::client::{TIMEOUT, connect};
use lb_tests::harness::skip;

use super::{from_clients, service, wait_state, wait_up, with_services};

const PORT: u16 = 25;
/// Debian's package has its module for this one.
const PYTHON: &str = "/usr/bin/python3";

const REFUSES: &str = r#"
import socketserver
class Refuses(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(b"554 mx.example.com takes no mail\r\n")
        while self.rfile.readline():
            self.wfile.write(b"503 go away\r\n")
socketserver.ThreadingTCPServer.allow_reuse_address = True
socketserver.ThreadingTCPServer(("0.0.0.0", 25), Refuses).serve_forever()
"#;

fn has_aiosmtpd() -> bool {
    let mut python = std::process::Command::new(PYTHON);
    let found = python.args(["-c", "import aiosmtpd"]).output();
    let has = found.is_ok_and(|output| output.status.success());
    if !has {
        skip("there is no aiosmtpd: `cargo xtask setup` installs python3-aiosmtpd");
    }
    has
}

#[test]
fn a_mail_server_that_refuses_gets_no_clients() {
    if !has_aiosmtpd() {
        return;
    }
    with_services(
        service(
            "mail",
            PORT,
            "tcp",
            "type = \"smtp\", helo = \"lb.example.com\"",
        ),
        |lab, programs| {
            for number in 1..=2 {
                programs.start(lab, number, |command| {
                    command.args([PYTHON, "-m", "aiosmtpd", "--nosetuid"]);
                    command.args(["--listen", "0.0.0.0:25"]);
                })?;
            }
            programs.start(lab, 3, |command| {
                command.args([PYTHON, "-c", REFUSES]);
            })
        },
        |lab, programs| {
            wait_up(lab, "mail", 1)?;
            wait_up(lab, "mail", 2)?;
            wait_state(lab, "mail", 3, "down", "554 mx.example.com takes no mail")?;
            programs.kill(2);
            wait_state(lab, "mail", 2, "down", "nothing listens on the port")?;
            let greetings = from_clients(lab, PORT, |client, to| {
                let mut stream = connect(client, to, TIMEOUT)?;
                stream.set_read_timeout(Some(TIMEOUT))?;
                let mut greeting = [0; 4];
                stream.read_exact(&mut greeting)?;
                Ok(greeting)
            })?;
            ensure!(greetings.iter().all(|one| one == b"220 "), "{greetings:?}");
            Ok(())
        },
    );
}
