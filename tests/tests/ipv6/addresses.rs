//! Adding, finding and removing addresses of both families by netlink.

use std::net::{IpAddr, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use lb_tests::harness::skip;
use lb_tests::netns::is_root;
use lb_tests::sandbox::{command, ifindex};
use lb_userspace::config::InterfaceAddress;
use lb_userspace::netlink::{Netlink, Route};

fn address(text: &str, prefix_len: u8) -> InterfaceAddress {
    InterfaceAddress {
        address: text.parse().expect(text),
        prefix_len,
    }
}

/// Runs `test` on a thread in a namespace of its own with `eth0`, which has one address of each
/// family.
fn in_namespace(test: impl AsyncFnOnce(Netlink, u32) -> Result<()> + Send + 'static) {
    if !is_root() {
        return skip("network namespaces need root");
    }
    let body = || -> Result<()> {
        // SAFETY: changes the calling thread alone, and takes no pointers.
        ensure!(unsafe { libc::unshare(libc::CLONE_NEWNET) } == 0, "unshare");
        for line in [
            "link set lo up",
            "link add eth0 type veth peer name peer",
            "link set eth0 up",
            "link set peer up",
            "address add 192.0.2.1/24 dev eth0",
            "address add 2001:db8::1/64 dev eth0 nodad",
        ] {
            command("ip", &line.split(' ').collect::<Vec<_>>())?;
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let ifindex = ifindex("eth0")?;
        runtime.block_on(async { test(Netlink::connect()?, ifindex).await })
    };
    if let Err(error) = thread::spawn(body).join().expect("no panic") {
        panic!("{error:#}");
    }
}

/// What the kernel sends from to `to`.
fn sender(to: &str) -> Result<IpAddr> {
    let to: IpAddr = to.parse()?;
    let any = if to.is_ipv6() { "[::]:0" } else { "0.0.0.0:0" };
    let socket = UdpSocket::bind(any).context("binding")?;
    socket.connect((to, 9)).context("connecting")?;
    Ok(socket.local_addr()?.ip())
}

async fn own_addresses(netlink: &Netlink) -> Result<Vec<(u32, InterfaceAddress)>> {
    let all = netlink.addresses().await?.into_iter();
    let own = all.filter(|one| one.own);
    Ok(own.map(|one| (one.ifindex, one.address)).collect())
}

#[test]
fn what_was_added_is_found_again_and_removed() {
    in_namespace(async |netlink, ifindex| {
        let ours = [
            address("192.0.2.10", 24),
            address("192.0.2.11", 32),
            address("2001:db8::10", 64),
            address("2001:db8::11", 128),
            address("fe80::10", 64),
        ];
        for address in ours {
            netlink.add_address(ifindex, address, false).await?;
            netlink
                .add_address(ifindex, address, false)
                .await
                .context("twice")?;
        }
        let mut found = own_addresses(&netlink).await?;
        found.sort();
        ensure!(found == ours.map(|it| (ifindex, it)), "{found:?}");

        // In use at once, and never the sender of what the director itself sends.
        let shown = command("ip", &["-6", "address", "show", "dev", "eth0", "tentative"])?;
        ensure!(!shown.contains("2001:db8"), "{shown}");
        ensure!(sender("2001:db8::21")? == address("2001:db8::1", 64).address);
        ensure!(sender("192.0.2.21")? == address("192.0.2.1", 24).address);
        // The kernel makes IPv6 addresses local on a work queue, a moment later.
        let deadline = Instant::now() + Duration::from_secs(5);
        loop {
            let route = netlink.route(ours[2].address).await?;
            if route == Route::Local {
                break;
            }
            ensure!(Instant::now() < deadline, "{route:?}");
            tokio::task::yield_now().await;
        }

        for address in ours {
            netlink.remove_address(ifindex, address).await?;
            let gone = netlink.remove_address(ifindex, address).await;
            gone.with_context(|| format!("{address}, which is gone"))?;
        }
        let found = own_addresses(&netlink).await?;
        ensure!(found.is_empty(), "{found:?}");
        let left = command("ip", &["address", "show", "dev", "eth0"])?;
        for operators in ["192.0.2.1/24", "2001:db8::1/64"] {
            ensure!(left.contains(operators), "{left}");
        }
        // So is its network.
        let on_link = Route::OnLink { ifindex };
        let route = netlink.route("2001:db8::21".parse()?).await?;
        ensure!(route == on_link, "{route:?}");
        Ok(())
    });
}

#[test]
fn routes_and_neighbours() {
    in_namespace(async |netlink, ifindex| {
        command(
            "ip",
            &["route", "add", "2001:db8:1::/64", "via", "2001:db8::2"],
        )?;
        let gateway: IpAddr = "2001:db8::2".parse()?;
        let behind = netlink.route("2001:db8:1::1".parse()?).await?;
        ensure!(behind == Route::Via { gateway }, "{behind:?}");
        let nowhere = netlink.route("2001:db8:2::1".parse()?).await?;
        ensure!(matches!(nowhere, Route::None { .. }), "{nowhere:?}");

        let host: IpAddr = "2001:db8::21".parse()?;
        netlink.use_neighbour(ifindex, host).await?;
        let known = netlink.neighbours().await?;
        ensure!(known.iter().any(|it| it.address == host), "{known:?}");
        netlink.forget_neighbour(ifindex, host).await?;
        netlink
            .forget_neighbour(ifindex, host)
            .await
            .context("twice")
    });
}

#[test]
fn without_ipv6_the_way_out_is_said() {
    in_namespace(async |netlink, ifindex| {
        std::fs::write("/proc/sys/net/ipv6/conf/eth0/disable_ipv6", "1")?;
        let ours = address("2001:db8::10", 64);
        let refused = netlink.add_address(ifindex, ours, false).await;
        let error = refused.err().context("it was added")?.to_string();
        ensure!(error.contains("disable_ipv6"), "{error}");
        netlink.remove_address(ifindex, ours).await.context("gone")
    });
}
