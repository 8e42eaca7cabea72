//! Checks that ask this host: `script`, `file`; and `ping`.

use std::time::{Duration, Instant};

use super::program::Scratch;
use super::*;

const ANYWHERE: ([u8; 4], u16) = ([127, 0, 0, 1], 8080);

fn own_user() -> String {
    let id = std::process::Command::new("id").arg("-un").output();
    let name = String::from_utf8(id.unwrap().stdout).unwrap();
    name.trim().to_owned()
}

#[tokio::test]
async fn scripts() {
    let user = own_user();
    for (shell, words) in [
        ("exit 0", "up"),
        ("exit 1", "script /bin/sh exited with 1"),
        ("echo sick; exit 1", "script /bin/sh exited with 1: sick"),
        ("exit 2", "up, weight 0"),
        ("exit 12", "up, weight 10"),
        ("exit 255", "up, weight 253"),
        ("kill -9 $$", "script /bin/sh was ended by SIGKILL"),
        (
            "test \"$1 $2 $3\" = \"$LVX_SERVICE $LVX_SERVER $LVX_PORT\" && echo $*; exit 1",
            "script /bin/sh exited with 1: web 192.0.2.21 80",
        ),
    ] {
        let snippet = format!(
            "type = \"script\"\nuser = {user:?}\n\
             command = [\"/bin/sh\", \"-c\", '{shell}', \"sh\"]"
        );
        assert_eq!(said(&snippet, ANYWHERE.into()).await, words, "{shell}");
    }
}

#[tokio::test]
async fn a_script_that_hangs_is_killed() {
    let user = own_user();
    let start = Instant::now();
    let snippet = format!(
        "type = \"script\"\nuser = {user:?}\ntimeout = \"500ms\"\ncommand = [\"/bin/sh\", \"-c\", 'trap \"\" TERM; \
         sleep 1000 & wait; sleep 1000', \"sh\"]"
    );
    assert_eq!(
        said(&snippet, ANYWHERE.into()).await,
        "script /bin/sh took longer than 500ms and was killed"
    );
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn files() {
    let scratch = Scratch::new();
    let name = scratch.path().join("{service}-{server}");
    let name = name.to_str().unwrap();
    let real = scratch.path().join("web-192.0.2.21");
    let shown = real.display();
    let missing = said(
        &format!("type = \"file\"\nfile = {name:?}"),
        ANYWHERE.into(),
    )
    .await;
    assert_eq!(
        missing,
        format!("file {shown}: No such file or directory: write a number into it")
    );
    for (text, keys, words) in [
        ("0\n", "", "up".to_owned()),
        ("7\n", "", format!("file {shown}: 7 is not 0")),
        (
            "7\n",
            "weight = 2",
            "up, weight +14 to the configured one".to_owned(),
        ),
        (
            "well\n",
            "",
            format!("file {shown}: \"well\" is not a number"),
        ),
        (
            "-254",
            "weight = 1",
            format!("file {shown}: -254 times 1 takes 254 off the weight, which is down"),
        ),
    ] {
        std::fs::write(&real, text).unwrap();
        let snippet = format!("type = \"file\"\nfile = {name:?}\n{keys}");
        assert_eq!(said(&snippet, ANYWHERE.into()).await, words, "{text}");
    }
    // A pipe that nobody writes into.
    let fifo = scratch.path().join("fifo");
    let made = std::process::Command::new("mkfifo").arg(&fifo).status();
    assert!(made.unwrap().success());
    let snippet = format!("type = \"file\"\nfile = {:?}", fifo.to_str().unwrap());
    let words = said(&snippet, ANYWHERE.into()).await;
    assert!(words.ends_with("\"\" is not a number"), "{words}");
}

#[tokio::test]
async fn pings() {
    if said("type = \"ping\"", ANYWHERE.into())
        .await
        .contains("CAP_NET_RAW")
    {
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "skipped with CI=true"
        );
        eprintln!("skipped: ICMP sockets need root");
        return;
    }
    assert_eq!(said("type = \"ping\"", ANYWHERE.into()).await, "up");
    let v6 = SocketAddr::new("::1".parse().unwrap(), 1);
    assert_eq!(said("type = \"ping\"", v6).await, "up");
    // Of a network that every host refuses.
    let nowhere = said("type = \"ping\"", ([240, 0, 0, 1], 1).into()).await;
    assert_ne!(nowhere, "up");
}
