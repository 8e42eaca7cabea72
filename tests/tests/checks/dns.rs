//! dnsmasq, one of which tells another address.

use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};

use anyhow::{Context, Result, ensure};
use lb_tests::client::TIMEOUT;

use super::{from_clients, has, service, wait_state, wait_up, with_services};

const PORT: u16 = 53;
const RIGHT: [u8; 4] = [192, 0, 2, 1];
/// A question for the address of www.example.com.
const QUESTION: &[u8] = b"\x4c\x56\x01\0\0\x01\0\0\0\0\0\0\x03www\x07example\x03com\0\0\x01\0\x01";

fn ask(client: Ipv4Addr, to: SocketAddrV4) -> Result<Vec<u8>> {
    let socket = UdpSocket::bind((client, 0))?;
    socket.connect(to)?;
    socket.set_read_timeout(Some(TIMEOUT))?;
    socket.send(QUESTION)?;
    let mut answer = vec![0; 512];
    let length = socket.recv(&mut answer).context("no answer")?;
    answer.truncate(length);
    Ok(answer)
}

#[test]
fn a_resolver_with_a_wrong_answer_gets_no_clients() {
    if !has("dnsmasq") {
        return;
    }
    let question = "type = \"dns\", name = \"www.example.com\", record = \"A\", \
                    answer = \"192.0.2.1\"";
    let services = service("udp", PORT, "udp", question)
        + &service("tcp", PORT, "tcp", &format!("{question}, tcp = true"));
    with_services(
        services,
        |lab, programs| {
            for number in 1..=3 {
                let last = if number == 3 { 2 } else { 1 };
                programs.start(lab, number, |command| {
                    command.args(["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null"]);
                    command.args(["--no-resolv", "--no-hosts", "--user=root", "--pid-file="]);
                    command.arg(format!("--address=/www.example.com/192.0.2.{last}"));
                })?;
            }
            Ok(())
        },
        |lab, programs| {
            let wrong = "no answer is \"192.0.2.1\" among 192.0.2.2";
            for name in ["udp", "tcp"] {
                wait_up(lab, name, 1)?;
                wait_up(lab, name, 2)?;
                wait_state(lab, name, 3, "down", wrong)?;
            }
            programs.kill(1);
            wait_state(lab, "udp", 1, "down", "nothing listens on the port")?;
            for answer in from_clients(lab, PORT, ask)? {
                ensure!(answer.ends_with(&RIGHT), "{answer:?}");
            }
            Ok(())
        },
    );
}
