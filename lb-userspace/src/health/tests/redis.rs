//! Redis checks: of redis-server, its replica, and a change of their roles.

use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::{Duration, Instant};

use super::program::{Program, Scratch, address, find};
use super::server::{Behaviour, Server};
use super::*;

fn start(scratch: &Scratch, to: SocketAddr, more: &[&str]) -> Option<Program> {
    let directory = scratch.path().join(to.ip().to_string());
    std::fs::create_dir(&directory).unwrap();
    // The same program under another name, in a package that starts no service.
    let mut command = Command::new(find("redis-check-rdb")?);
    command.arg0("redis-server");
    command.args(["--bind", &to.ip().to_string()]);
    command.args(["--port", &to.port().to_string(), "--save", ""]);
    command.args([
        "--repl-ping-replica-period",
        "1",
        "--repl-diskless-sync-delay",
        "0",
    ]);
    command.arg("--dir").arg(directory).args(more);
    Some(Program::start(&mut command, to))
}

/// Asks until the words are these.
async fn until(snippet: &str, to: SocketAddr, words: &str) {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let said = said(snippet, to).await;
        if said == words {
            return;
        }
        assert!(Instant::now() < deadline, "{snippet}: {said}, not {words}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn command(to: SocketAddr, text: &str) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(to).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = [0; 64];
    let length = stream.read(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"+OK"), "{text}: {length} {answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_and_their_change() {
    let (scratch, one, two) = (Scratch::new(), address(), address());
    let Some(master) = start(&scratch, one, &[]) else {
        return;
    };
    let of = [one.ip().to_string(), one.port().to_string()];
    let replica = start(&scratch, two, &["--replicaof", &of[0], &of[1]]);
    let lagging = "type = \"redis\"\nrole = \"replica\"\nmax_lag = \"10s\"";
    until(lagging, two, "up").await;
    let (wants_master, wants_replica) = (
        "type = \"redis\"\nrole = \"master\"",
        "type = \"redis\"\nrole = \"replica\"",
    );
    let no_master = "Redis server SERVER: it is a replica, expected a master";
    let no_replica = "Redis server SERVER: it is a master, expected a replica";
    assert_eq!(said("type = \"redis\"", one).await, "up");
    assert_eq!(said(wants_master, one).await, "up");
    assert_eq!(said(wants_replica, one).await, no_replica);
    assert_eq!(said(wants_master, two).await, no_master);
    assert_eq!(
        said("type = \"redis\"\nmax_lag = \"1s\"", one).await,
        "Redis server SERVER: it is a master: `max_lag` is for replicas"
    );
    command(two, "REPLICAOF NO ONE\r\n").await;
    command(one, &format!("REPLICAOF {} {}\r\n", two.ip(), two.port())).await;
    assert_eq!(said(wants_master, two).await, "up");
    assert_eq!(said(wants_master, one).await, no_master);
    until(lagging, one, "up").await;
    drop(replica);
    let lost = format!("Redis server SERVER: it has lost its master {two}");
    until(lagging, one, &lost).await;
    assert_eq!(
        said(wants_replica, one).await,
        "up",
        "its role is not its link"
    );
    drop(master);
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords() {
    let (scratch, to) = (Scratch::new(), address());
    let user = [
        "--requirepass",
        "secret",
        "--user",
        "lvx",
        "on",
        ">other",
        "+ping",
        "+role",
    ];
    let Some(_server) = start(&scratch, to, &user) else {
        return;
    };
    for (keys, words) in [
        ("password = \"secret\"", "up"),
        (
            "user = \"lvx\"\npassword = \"other\"\nrole = \"master\"",
            "up",
        ),
        (
            "",
            "Redis server SERVER: it wants to know who asks: set `password`, and `user` if there \
             is one",
        ),
        (
            "password = \"wrong\"",
            "Redis server SERVER: it does not take the user or the password",
        ),
        (
            "user = \"lvx\"\npassword = \"other\"\nmax_lag = \"1s\"",
            "Redis server SERVER: INFO is answered with an error: NOPERM this user has no \
             permissions to run the 'info' command",
        ),
    ] {
        let snippet = format!("type = \"redis\"\n{keys}");
        assert_eq!(said(&snippet, to).await, words, "{keys}");
    }
}

#[tokio::test]
async fn others() {
    for (answer, words) in [
        (&b"+PONG\r\n"[..], "up"),
        (
            b"-LOADING Redis is loading the dataset in memory\r\n",
            "Redis server SERVER: it is loading its data",
        ),
        (b"*0\r\n", "Redis server SERVER: PING has an unknown answer"),
        (
            b"HTTP/1.1 400 Bad Request\r\n",
            "Redis server SERVER: it does not speak the protocol of Redis: \"HTTP/1.1 400 Bad \
             Request\"",
        ),
    ] {
        let server = Server::start(Behaviour::Says(answer)).await;
        assert_eq!(said("type = \"redis\"", server.address).await, words);
    }
}
