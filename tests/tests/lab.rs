//! The lab itself, without lvx.

use std::net::SocketAddrV4;
use std::process::{Command, Stdio};
use std::time::Duration;

use lb_tests::client::{TIMEOUT, get};
use lb_tests::harness::usable;
use lb_tests::lab::topology::{client_addresses, server_address};
use lb_tests::lab::{Lab, WEB_PORT, sweep};
use lb_tests::netns::Netns;
use lb_tests::wait::wait_until;

const DEMO: &str = env!("CARGO_BIN_EXE_lvx-demo");

#[test]
fn real_servers_answer_each_client_and_nothing_is_left_after_a_panic() {
    let Some(programs) = usable(DEMO) else {
        return;
    };
    let (tell, told) = std::sync::mpsc::channel();
    let panicked = std::thread::spawn(move || {
        let lab = Lab::new(programs, 2, 2).unwrap();
        let (dir, namespace) = (lab.dir().to_owned(), lab.client.path());
        assert!(dir.exists() && namespace.exists());
        let ask = |client| {
            get(
                client,
                SocketAddrV4::new(server_address(2), WEB_PORT),
                TIMEOUT,
            )
        };
        let answers = lab.client.run(move || {
            let mut answers = client_addresses().into_iter().map(ask);
            answers.all(|answer| answer.unwrap().server == "rs2")
        });
        assert!(answers.unwrap());
        tell.send((dir, namespace)).unwrap();
        panic!("a test that fails");
    });
    assert!(panicked.join().is_err());
    let (dir, namespace) = told.recv().expect("the panic was the wanted one");
    assert!(!dir.exists() && !namespace.exists());
}

#[test]
fn a_lab_whose_owner_was_killed_is_removed_later() {
    let Some(programs) = usable(DEMO) else {
        return;
    };
    // A daemon that never answers: the demo makes its lab and waits for it.
    let mut owner = Command::new(DEMO)
        .env("LVX_BIN", "sleep")
        .env("LVX_NGINX", &programs.nginx)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let name = format!("lvx-lab-{}-0", owner.id());
    let dir = std::env::temp_dir().join(&name);
    let last = Netns::new(format!("{name}-rs4")).path();
    let limit = Duration::from_secs(15);
    let made = wait_until(
        "the demo's lab",
        limit,
        || Ok(dir.exists() && last.exists()),
    );
    owner.kill().unwrap();
    owner.wait().unwrap();
    made.unwrap();
    // Another lab that is being made may be faster.
    wait_until("the lab to be removed", limit, || {
        sweep(false)?;
        Ok(!dir.exists() && !last.exists())
    })
    .unwrap();
}
