use crate::health::attempt::Tools;
use crate::health::outcome::Good;

use super::*;

const VIP: &str = "192.0.2.10";

fn vip() -> IpAddr {
    VIP.parse().unwrap()
}

fn refused(to: &str) -> Outcome {
    Err(Failure::Connect {
        to: to.parse().unwrap(),
        fault: Refusal::Refused,
    })
}

fn silent(wait: Wait) -> Outcome {
    Err(Failure::TimedOut {
        to: "192.0.2.10:80".parse().unwrap(),
        limit: Duration::from_secs(1),
        wait,
    })
}

fn good() -> Outcome {
    Ok(Good::default())
}

fn said(outcome: Outcome) -> String {
    outcome.map_or_else(|failure| failure.to_string(), |_| "up".to_owned())
}

#[test]
fn words_for_what_both_addresses_answer() {
    let refused_own = || refused("192.0.2.21:80");
    let refused_vip = || refused("192.0.2.10:80");
    for (own, through, expected) in [
        (good(), good(), "up"),
        (
            refused_own(),
            refused_vip(),
            "connect to 192.0.2.21:80: refused: nothing listens on the port",
        ),
        (
            good(),
            silent(Wait::Connection),
            "answers on its own address, but not for 192.0.2.10: is the VIP on its lo? (no answer \
             from 192.0.2.10:80 within 1s: the connection did not open: is the host up, and does \
             no firewall drop packets to this port?)",
        ),
        (
            good(),
            refused_vip(),
            "answers on its own address, but not for 192.0.2.10: does the program listen on the \
             VIP, too, and does no firewall reject it? (connect to 192.0.2.10:80: refused: \
             nothing listens on the port)",
        ),
        (
            good(),
            silent(Wait::Answer),
            "answers on its own address, but not for 192.0.2.10: does the program do the same \
             there? (no answer from 192.0.2.10:80 within 1s: the connection opened, but no answer \
             came: does the program hang, or speak another protocol?)",
        ),
        (
            refused_own(),
            good(),
            "answers for 192.0.2.10, but not on its own address: `via = \"vip\"` checks only what \
             clients use (connect to 192.0.2.21:80: refused: nothing listens on the port)",
        ),
    ] {
        assert_eq!(said(judge(vip(), own, through)), expected);
    }
}

/// What this host cannot do says nothing about the server.
#[test]
fn a_fault_of_this_host_leaves_the_verdict_to_the_other_probe() {
    use crate::health::socket::SocketFault;
    let ours = || {
        Err(Failure::Socket {
            to: "192.0.2.10:80".parse().unwrap(),
            fault: SocketFault::Through("none".to_owned()),
        })
    };
    assert_eq!(judge(vip(), good(), ours()), good());
    let down = refused("192.0.2.21:80");
    assert_eq!(judge(vip(), down.clone(), ours()), down);
}

fn ways(servers: &[(&str, Way)]) -> Ways {
    let servers = servers.iter();
    Ways {
        servers: servers
            .map(|(server, way)| (server.parse().unwrap(), *way))
            .collect(),
        ..Ways::default()
    }
}

fn subject() -> Subject {
    Subject {
        service: "web".into(),
        real_server: "192.0.2.21".parse().unwrap(),
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_probe_waits_until_the_way_is_known() {
    let check = crate::health::tests::check("type = \"tcp\"");
    let tools = Tools::default();
    let start = tokio::time::Instant::now();
    // Nobody looks for ways.
    tools.through.wait(&subject(), &check.probe).await;
    assert_eq!(start.elapsed(), Duration::ZERO);
    tools.through.ways.send_replace(Some(Ways::default()));
    tools.through.wait(&subject(), &check.probe).await;
    assert_eq!(start.elapsed(), PATIENCE);
    let start = tokio::time::Instant::now();
    let subject = subject();
    let (waited, ()) = join(tools.through.wait(&subject, &check.probe), async {
        tokio::time::sleep(PATIENCE / 2).await;
        let known = ways(&[("192.0.2.21", Way::Closed)]);
        tools.through.ways.send_replace(Some(known));
    })
    .await;
    assert_eq!((waited, start.elapsed()), ((), PATIENCE / 2));
}

/// Whatever `via` says: without a way the server is asked for its own address.
#[tokio::test]
async fn without_a_way_the_servers_own_address_is_asked_for() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    for via in ["vip", "both"] {
        let check = format!("type = \"tcp\"\nport = {port}\nvia = \"{via}\"");
        let check = crate::health::tests::check(&check);
        let subject = Subject {
            service: "web".into(),
            real_server: "127.0.0.1".parse().unwrap(),
        };
        for known in [None, Some(ways(&[("127.0.0.1", Way::Closed)]))] {
            let tools = Tools::default();
            tools.through.ways.send_replace(known);
            let outcome = crate::health::probe::probe(&subject, &check, &tools).await;
            assert_eq!(outcome, good(), "{via}");
        }
        // A way without programs is this host's fault, too.
        let tools = Tools::default();
        let open = ways(&[("127.0.0.1", Way::Open)]);
        tools.through.ways.send_replace(Some(open));
        let outcome = crate::health::probe::probe(&subject, &check, &tools).await;
        assert_eq!(outcome, good(), "{via}");
    }
}
