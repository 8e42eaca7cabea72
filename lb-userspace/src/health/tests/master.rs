//! Checks that run while this director is MASTER.

use std::time::Duration;

use futures_util::FutureExt;
use tokio::net::TcpListener;
use tokio::time::timeout;

use super::*;

const PATIENCE: Duration = Duration::from_secs(20);
const MOMENT: Duration = Duration::from_millis(20);

#[tokio::test]
async fn a_check_waits_for_mastership_and_then_probes_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = listener.local_addr().unwrap();
    let text = format!(
        "[[vrrp]]\nname = \"VI\"\ninterface = \"eth0\"\nvirtual_router_id = 1\n\
         addresses = [\"192.0.2.10\"]\n[[service]]\nname = \"web\"\naddress = \"192.0.2.10:80\"\n\
         check = {{ type = \"tcp\", interval = \"1h\", timeout = \"20s\", when = \"master\", \
         connect_address = \"127.0.0.1\", connect_port = {} }}\n\
         [[service.real_server]]\naddress = \"192.0.2.21\"\n",
        to.port()
    );
    let config = crate::config::parse(Path::new("test.toml"), &text).unwrap();
    let (sender, mut verdicts) = mpsc::channel::<Verdict>(8);
    let mut checks = Checks::new(sender, Journal::default()).unwrap();
    checks.configure(&config.services);
    let lead = |checks: &mut Checks<Verdict>, names: &[&str]| {
        checks.lead(names.iter().map(|name| (*name).to_owned()).collect());
    };
    lead(&mut checks, &["another"]);
    // The task has had its turn, and waits.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(listener.accept().now_or_never().is_none(), "it probes");
    lead(&mut checks, &["VI"]);
    timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
    let verdict = timeout(PATIENCE, verdicts.recv()).await.unwrap().unwrap();
    assert_eq!(verdict.outcome, Ok(()));
    // The next probe is an hour away, unless it becomes MASTER again. What came and went before
    // the check's thread had its turn did not happen.
    let again = async {
        loop {
            lead(&mut checks, &[]);
            tokio::time::sleep(MOMENT).await;
            lead(&mut checks, &["VI"]);
            if timeout(10 * MOMENT, listener.accept()).await.is_ok() {
                return;
            }
        }
    };
    timeout(PATIENCE, again).await.unwrap();
}
