//! A Redis master behind the VIP, and a failover to its replica.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};

use anyhow::{Context, Result, ensure};
use lb_tests::client::{TIMEOUT, connect};
use lb_tests::lab::Lab;
use lb_tests::lab::topology::server_address;

use super::{Programs, from_clients, has, service, wait_state, wait_up, with_services};

const PORT: u16 = 6379;

/// The server under another name, in a package that starts no service.
fn serve(lab: &Lab, programs: &Programs, number: u8) -> Result<()> {
    let dir = lab.dir().join(format!("redis-{number}"));
    std::fs::create_dir_all(&dir)?;
    programs.start(lab, number, |command| {
        // `exec -a` gives it its name through nsenter.
        command.args([
            "bash",
            "-c",
            "exec -a redis-server redis-check-rdb \"$@\"",
            "redis",
        ]);
        command.args([
            "--port",
            &PORT.to_string(),
            "--save",
            "",
            "--protected-mode",
            "no",
        ]);
        command.args(["--bind", "0.0.0.0", "--repl-diskless-sync-delay", "0"]);
        command.arg("--dir").arg(dir);
        if number != 1 {
            let master = server_address(1).to_string();
            command.args(["--replicaof", &master, &PORT.to_string()]);
        }
    })
}

/// What a server answers a command.
fn ask(mut stream: TcpStream, command: &str) -> Result<String> {
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.write_all(format!("{command}\r\n").as_bytes())?;
    let mut answer = [0; 256];
    let length = stream.read(&mut answer).context("an answer")?;
    Ok(String::from_utf8_lossy(&answer[..length]).into_owned())
}

/// Every client of the VIP finds a master.
fn ensure_master(lab: &Lab) -> Result<()> {
    let role = |client: Ipv4Addr, to: SocketAddrV4| ask(connect(client, to, TIMEOUT)?, "ROLE");
    for answer in from_clients(lab, PORT, role)? {
        ensure!(answer.contains("\r\nmaster\r\n"), "{answer:?}");
    }
    Ok(())
}

#[test]
fn the_vip_follows_the_master() {
    if !has("redis-check-rdb") {
        return;
    }
    let check = "type = \"redis\", role = \"master\"";
    with_services(
        service("redis", PORT, "tcp", check),
        |lab, programs| (1..=3).try_for_each(|number| serve(lab, programs, number)),
        |lab, programs| {
            const REPLICA: &str = "it is a replica, expected a master";
            wait_up(lab, "redis", 1)?;
            wait_state(lab, "redis", 2, "down", REPLICA)?;
            wait_state(lab, "redis", 3, "down", REPLICA)?;
            ensure_master(lab)?;

            programs.kill(1);
            wait_state(lab, "redis", 1, "down", "nothing listens on the port")?;
            let two = SocketAddrV4::new(server_address(2), PORT);
            let promoted = lab.directors[0].netns.run(move || {
                let stream = TcpStream::connect_timeout(&two.into(), TIMEOUT)?;
                ask(stream, "REPLICAOF NO ONE")
            })??;
            ensure!(promoted.starts_with("+OK"), "{promoted}");
            wait_up(lab, "redis", 2)?;
            ensure_master(lab)?;
            wait_state(lab, "redis", 3, "down", REPLICA).map(drop)
        },
    );
}
