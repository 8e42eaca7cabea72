//! What leaves through a device with a virtual MAC: nothing, unless it has addresses.

use std::net::Ipv6Addr;
use std::num::NonZeroU8;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lb_tests::harness::skip;
use lb_tests::lab::Wire;
use lb_tests::netns::{Netns, is_root, output_of};
use lb_userspace::config::InterfaceAddress;
use lb_userspace::dataplane::table::Mac;
use lb_userspace::netlink::Netlink;
use lb_userspace::netlink::macvlan::{Device, set_ipv6};

const QUIET: Duration = Duration::from_secs(3);
const ADDRESS: InterfaceAddress = InterfaceAddress {
    address: std::net::IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x10)),
    prefix_len: 64,
};

/// A host and what is at the other end of its cable; gone when dropped.
struct Cable([Netns; 2]);

impl Cable {
    fn new() -> Result<Self> {
        let name = |end| Netns::new(format!("lvx-quiet-{}-{end}", std::process::id()));
        let cable = Self([name("host"), name("wire")]);
        for end in &cable.0 {
            ip(&format!("netns add {}", end.name()))?;
        }
        let [host, wire] = &cable.0;
        let (host, wire) = (host.name(), wire.name());
        // The other end is as quiet as can be.
        ip(&format!(
            "netns exec {wire} sysctl -qw net.ipv6.conf.default.disable_ipv6=1"
        ))?;
        ip(&format!(
            "-n {host} link add eth0 type veth peer name port netns {wire}"
        ))?;
        ip(&format!("-n {host} link set eth0 up"))?;
        ip(&format!("-n {wire} link set port up"))?;
        // A router joins more groups, which it would report.
        ip(&format!(
            "netns exec {host} sysctl -qw net.ipv6.conf.all.forwarding=1"
        ))?;
        Ok(cable)
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        for end in &self.0 {
            // It may not have been made.
            let _ = ip(&format!("netns del {}", end.name()));
        }
    }
}

fn ip(arguments: &str) -> Result<String> {
    output_of(Command::new("ip").args(arguments.split(' ')))
}

/// Runs it on the host.
fn on_host<T: Send + 'static>(
    host: &Netns,
    work: impl AsyncFnOnce(Netlink, Device) -> Result<T> + Send + 'static,
) -> Result<T> {
    host.run(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            let netlink = Netlink::connect()?;
            let links = netlink.links().await?;
            let parent = links.iter().find(|link| link.name == "eth0");
            let device = Device {
                name: "vmac6".to_owned(),
                parent: parent.context("no eth0")?.index,
                parent_name: "eth0".to_owned(),
                mac: mac(),
            };
            work(netlink, device).await
        })
    })?
}

fn mac() -> Mac {
    Mac::of_virtual_router(NonZeroU8::MIN, true)
}

fn with_it(frame: &[u8]) -> Option<Vec<u8>> {
    (frame.get(6..12)? == mac().0).then(|| frame.to_vec())
}

#[test]
fn an_ipv6_device_speaks_only_while_it_has_addresses() {
    if !is_root() {
        skip("network namespaces need root");
        return;
    }
    let test = || -> Result<()> {
        let cable = Cable::new()?;
        let [host, end] = &cable.0;
        if !host.run(|| std::path::Path::new("/proc/sys/net/ipv6").exists())? {
            skip("this kernel has no IPv6");
            return Ok(());
        }
        let mut wire = Wire::open(end, "port".to_owned())?;
        on_host(host, async |netlink, device| {
            Ok(netlink.make_device(&device).await?)
        })?;
        let found = wire.next(QUIET, with_it)?;
        ensure!(found.is_none(), "made: {found:?}");

        let index = on_host(host, async |netlink, device| {
            let links = netlink.links().await?;
            let ours = links.iter().find(|link| link.name == device.name);
            let ours = ours.context("no device")?;
            ensure!(ours.macvlan.is_some_and(|it| it.ours && it.up), "{ours:?}");
            set_ipv6(&device.name, true)?;
            netlink.add_address(ours.index, ADDRESS, true).await?;
            Ok(ours.index)
        })?;
        // With an address it has to report its group: so the silence before and after means
        // something.
        let found = wire.next(QUIET, with_it)?;
        ensure!(found.is_some(), "a device with an address is silent");
        let addresses = ip(&format!("-n {} -6 addr show dev vmac6", host.name()))?;
        ensure!(
            !addresses.contains("fe80"),
            "a link-local address: {addresses}"
        );
        let routes = ip(&format!("-n {} -6 route show dev vmac6", host.name()))?;
        ensure!(routes.contains("metric 4096"), "{routes}");

        on_host(host, async move |netlink, device| {
            set_ipv6(&device.name, false)?;
            netlink.remove_address(index, ADDRESS).await?;
            Ok(())
        })?;
        let mut wire = Wire::open(end, "port".to_owned())?;
        let found = wire.next(QUIET, with_it)?;
        ensure!(found.is_none(), "gave up: {found:?}");
        on_host(host, async |netlink, device| {
            Ok(netlink.remove_device(&device.name).await?)
        })?;
        Ok(())
    };
    if let Err(error) = test() {
        panic!("{error:#}");
    }
}
