//! Packet tables: frames through the real program, with what becomes of them and what it counts.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use anyhow::{Context, Result, ensure};
use aya::TestRun;
use aya::programs::TestRunOptions;
use etherparse::{IpFragOffset, IpNumber, PacketBuilder, PacketBuilderStep, TcpHeader};
use lb_common::layout::Counter;
use lb_common::maglev::TableSize;
use lb_common::reason::Reason;
use lb_tests::sandbox::{Sandbox, command, ifindex, in_sandbox};
use lb_userspace::dataplane::table::{
    ForwardingTable, Mac, Path, RealServer, Service, service_key,
};
use lb_userspace::dataplane::xdp::Xdp;

const XDP_PASS: u32 = 2;
const XDP_TX: u32 = 3;
const XDP_REDIRECT: u32 = 4;

/// Test runs come in through the loopback device.
const INGRESS: u32 = 1;
const CLIENT_MAC: Mac = Mac([2, 0, 0, 0, 0, 1]);
const OUR_MAC: Mac = Mac([2, 0, 0, 0, 0, 2]);
const OTHER_NIC_MAC: Mac = Mac([2, 0, 0, 0, 0, 3]);
const SERVER_MAC: Mac = Mac([2, 0, 0, 0, 0, 4]);
const CLIENT: [u8; 4] = [198, 51, 100, 7];
const VIP: [u8; 4] = [192, 0, 2, 10];

/// What becomes of a frame.
enum Expect {
    /// Sent back out of the NIC it came from.
    Transmit,
    /// Sent out of another NIC.
    Redirect,
    /// Left to the kernel, unchanged.
    Pass(Reason),
}

struct Row {
    words: &'static str,
    frame: Vec<u8>,
    expect: Expect,
    /// What the real servers' counters grow by, if it is sent on.
    counted: Counter,
}

fn counted(bytes: usize, connections: u64) -> Counter {
    Counter {
        packets: 1,
        bytes: bytes as u64,
        connections,
    }
}

fn ethernet() -> PacketBuilderStep<etherparse::Ethernet2Header> {
    PacketBuilder::ethernet2(CLIENT_MAC.0, OUR_MAC.0)
}

fn ip() -> PacketBuilderStep<etherparse::IpHeaders> {
    ethernet().ipv4(CLIENT, VIP, 64)
}

/// A TCP segment to `port`, with flags as `flag` sets them.
fn tcp(port: u16, payload: usize, flag: impl FnOnce(&mut TcpHeader)) -> Vec<u8> {
    let mut header = TcpHeader::new(40_000, port, 1, 1024);
    flag(&mut header);
    let builder = ip().tcp_header(header);
    let mut frame = Vec::new();
    builder
        .write(&mut frame, &vec![0xa5; payload])
        .expect("a frame fits into memory");
    frame
}

fn udp(port: u16, payload: usize) -> Vec<u8> {
    let mut frame = Vec::new();
    let builder = ip().udp(40_000, port);
    builder
        .write(&mut frame, &vec![0xa5; payload])
        .expect("a frame fits into memory");
    frame
}

fn syn(header: &mut TcpHeader) {
    header.syn = true;
}

fn ack(header: &mut TcpHeader) {
    header.ack = true;
}

fn edited(mut frame: Vec<u8>, edit: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    edit(&mut frame);
    frame
}

fn fragment(offset: u16, more: bool) -> Vec<u8> {
    let mut header = etherparse::Ipv4Header::new(8, 64, IpNumber::TCP, CLIENT, VIP)
        .expect("eight bytes are not too many");
    header.fragment_offset = IpFragOffset::try_new(offset).expect("13 bits");
    header.more_fragments = more;
    header.dont_fragment = false;
    let mut frame = Vec::new();
    frame.extend(OUR_MAC.0);
    frame.extend(CLIENT_MAC.0);
    frame.extend([8, 0]);
    header.write(&mut frame).expect("a frame fits into memory");
    frame.extend([0x9c, 0x40, 0, 80, 0, 0, 0, 0]);
    frame
}

/// A SYN with `words` 32-bit words of IP options.
fn with_options(words: usize) -> Vec<u8> {
    let plain = tcp(80, 0, syn);
    let mut frame = plain[..34].to_vec();
    frame[14] = 0x40 | (5 + words) as u8;
    let length = (40 + words * 4) as u16;
    frame[16..18].copy_from_slice(&length.to_be_bytes());
    frame.extend(std::iter::repeat_n(1, words * 4));
    frame.extend(&plain[34..]);
    frame
}

fn row(words: &'static str, frame: Vec<u8>, expect: Expect) -> Row {
    let counted = match expect {
        Expect::Transmit | Expect::Redirect => counted(frame.len() - 14, 0),
        Expect::Pass(_) => Counter::default(),
    };
    Row {
        words,
        frame,
        expect,
        counted,
    }
}

fn opening(words: &'static str, frame: Vec<u8>) -> Row {
    let counted = counted(frame.len() - 14, 1);
    Row {
        words,
        frame,
        expect: Expect::Transmit,
        counted,
    }
}

fn passed(words: &'static str, frame: Vec<u8>, reason: Reason) -> Row {
    row(words, frame, Expect::Pass(reason))
}

fn rows() -> Vec<Row> {
    use Expect::{Redirect, Transmit};
    let mut rows = vec![
        opening("a SYN opens a connection", tcp(80, 0, syn)),
        opening("a SYN with data (TCP fast open)", tcp(80, 100, syn)),
        opening(
            "a SYN with ECN flags",
            tcp(80, 0, |h| (h.syn, h.ece, h.cwr) = (true, true, true)),
        ),
        opening("a SYN with one word of IP options", with_options(1)),
        opening("a SYN with the longest IP header", with_options(10)),
        row("an ACK", tcp(80, 0, ack), Transmit),
        row("data", tcp(80, 1400, ack), Transmit),
        row("one byte of data", tcp(80, 1, ack), Transmit),
        row(
            "a SYN-ACK opens nothing",
            tcp(80, 0, |h| (h.syn, h.ack) = (true, true)),
            Transmit,
        ),
        row(
            "a FIN",
            tcp(80, 0, |h| (h.fin, h.ack) = (true, true)),
            Transmit,
        ),
        row("a RST", tcp(80, 0, |h| h.rst = true), Transmit),
        row("no flags at all", tcp(80, 0, |_| ()), Transmit),
        row("UDP", udp(53, 100), Transmit),
        row("UDP without data", udp(53, 0), Transmit),
        row(
            "UDP to the TCP service's port goes elsewhere",
            udp(8080, 10),
            Redirect,
        ),
        row(
            "TCP to a server behind another NIC",
            tcp(8080, 10, ack),
            Redirect,
        ),
        passed(
            "TCP to a port without service",
            tcp(81, 0, syn),
            Reason::NoService,
        ),
        passed("UDP to a TCP port", udp(80, 0), Reason::NoService),
        passed("TCP to a UDP port", tcp(53, 0, syn), Reason::NoService),
        passed(
            "a service of which we are not MASTER",
            tcp(90, 0, syn),
            Reason::Inactive,
        ),
        passed(
            "a service without a usable server",
            tcp(91, 0, syn),
            Reason::NoRealServer,
        ),
        passed(
            "a service whose server is this host",
            tcp(92, 0, syn),
            Reason::Local,
        ),
        passed(
            "a server behind a NIC without port",
            tcp(93, 0, syn),
            Reason::NoEgress,
        ),
        passed("the first fragment", fragment(0, true), Reason::Fragment),
        passed("a later fragment", fragment(100, true), Reason::Fragment),
        passed("the last fragment", fragment(8191, false), Reason::Fragment),
        passed(
            "another address",
            edited(tcp(80, 0, syn), |f| f[33] = 11),
            Reason::NoService,
        ),
        passed("ICMP echo to the VIP", icmp(), Reason::OtherProtocol),
        passed("ARP", arp(), Reason::NotIp),
        passed("IPv6", ipv6(), Reason::NotIp),
        passed(
            "a VLAN tag",
            edited(tcp(80, 0, syn), |f| {
                f.splice(12..12, [0x81, 0, 0, 5]);
            }),
            Reason::NotIp,
        ),
        passed(
            "nothing behind Ethernet",
            tcp(80, 0, syn)[..14].to_vec(),
            Reason::Malformed,
        ),
        passed(
            "half an IP header",
            tcp(80, 0, syn)[..24].to_vec(),
            Reason::Malformed,
        ),
        passed(
            "no TCP header",
            tcp(80, 0, syn)[..34].to_vec(),
            Reason::Malformed,
        ),
        passed(
            "a TCP header without flags",
            tcp(80, 0, syn)[..47].to_vec(),
            Reason::Malformed,
        ),
        passed(
            "an IP header length of 16",
            edited(tcp(80, 0, syn), |f| f[14] = 0x44),
            Reason::Malformed,
        ),
        passed(
            "an IP header that reaches beyond the frame",
            edited(tcp(80, 0, syn), |f| f[14] = 0x4f),
            Reason::Malformed,
        ),
        passed(
            "IP version 6 under IPv4's ethertype",
            edited(tcp(80, 0, syn), |f| f[14] = 0x65),
            Reason::Malformed,
        ),
        passed(
            "a frame flooded to someone else",
            edited(tcp(80, 0, syn), |f| f[5] = 99),
            Reason::NotOurMac,
        ),
        passed(
            "a frame that we rewrote and that comes back",
            edited(tcp(80, 0, syn), |f| f[..6].copy_from_slice(&SERVER_MAC.0)),
            Reason::NotOurMac,
        ),
        passed(
            "broadcast",
            edited(tcp(80, 0, syn), |f| f[..6].fill(0xff)),
            Reason::NotOurMac,
        ),
        passed(
            "someone else's, with a server behind another NIC",
            edited(tcp(8080, 0, syn), |f| f[5] = 99),
            Reason::NotOurMac,
        ),
    ];
    let padded = edited(tcp(80, 0, ack), |f| f.extend([0; 6]));
    rows.push(Row {
        words: "Ethernet padding is not counted",
        frame: padded,
        expect: Transmit,
        counted: counted(40, 0),
    });
    rows
}

fn icmp() -> Vec<u8> {
    let mut frame = Vec::new();
    let echo = ip().icmpv4_echo_request(1, 1);
    echo.write(&mut frame, &[0; 8])
        .expect("a frame fits into memory");
    frame
}

fn ipv6() -> Vec<u8> {
    let mut frame = Vec::new();
    let builder = ethernet()
        .ipv6([1; 16], [2; 16], 64)
        .tcp(40_000, 80, 1, 1024);
    builder
        .write(&mut frame, &[])
        .expect("a frame fits into memory");
    frame
}

fn arp() -> Vec<u8> {
    let mut frame = [0xff; 6].to_vec();
    frame.extend(CLIENT_MAC.0);
    frame.extend([0x08, 0x06]);
    frame.extend([0; 28]);
    frame
}

fn service(active: bool, path: Option<Path>) -> Service {
    let server = RealServer { weight: 1, path };
    Service::mh(
        active,
        [(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 21)), server)].into(),
    )
}

fn link(ifindex: u32, source_mac: Mac) -> Option<Path> {
    Some(Path::Link {
        mac: SERVER_MAC,
        source_mac,
        ifindex,
        vlans: [0; 2],
    })
}

fn table(other_nic: u32) -> ForwardingTable {
    let here = link(INGRESS, OUR_MAC);
    let there = link(other_nic, OTHER_NIC_MAC);
    let services: [(u16, u8, Service); 8] = [
        (80, 6, service(true, here)),
        (53, 17, service(true, here)),
        (8080, 6, service(true, there)),
        (8080, 17, service(true, there)),
        (90, 6, service(false, here)),
        (91, 6, service(true, None)),
        (92, 6, service(true, Some(Path::Local))),
        (93, 6, service(true, link(4_000_000, OTHER_NIC_MAC))),
    ];
    let key = |port, protocol| service_key((Ipv4Addr::from(VIP), port).into(), protocol);
    let services = services
        .into_iter()
        .map(|(port, protocol, s)| (key(port, protocol), s));
    ForwardingTable {
        services: services.collect(),
        interfaces: [(INGRESS, OUR_MAC), (other_nic, OTHER_NIC_MAC)].into(),
    }
}

struct Seen {
    action: u32,
    frame: Vec<u8>,
}

fn run(xdp: &mut Xdp, frame: &[u8]) -> Result<Seen> {
    let mut out = vec![0; frame.len() + 64];
    let options = TestRunOptions {
        data_in: Some(frame),
        data_out: Some(&mut out),
        repeat: 1,
        ..TestRunOptions::default()
    };
    let result = xdp.program()?.test_run(options)?;
    out.truncate(result.data_size_out as usize);
    Ok(Seen {
        action: result.return_value,
        frame: out,
    })
}

fn totals(xdp: &Xdp, table: &ForwardingTable) -> Result<Counter> {
    let mut sum = Counter::default();
    for key in table.services.keys() {
        let one = xdp.counters(key)?.total();
        sum.packets += one.packets;
        sum.bytes += one.bytes;
        sum.connections += one.connections;
    }
    Ok(sum)
}

fn grown(before: Counter, after: Counter) -> Counter {
    Counter {
        packets: after.packets - before.packets,
        bytes: after.bytes - before.bytes,
        connections: after.connections - before.connections,
    }
}

fn check(xdp: &mut Xdp, table: &ForwardingTable, row: &Row) -> Result<()> {
    let counters = totals(xdp, table)?;
    let reasons: BTreeMap<Reason, u64> = xdp.reasons()?.into_iter().collect();
    let seen = run(xdp, &row.frame)?;
    let (action, source) = match row.expect {
        Expect::Transmit => (XDP_TX, Some(OUR_MAC)),
        Expect::Redirect => (XDP_REDIRECT, Some(OTHER_NIC_MAC)),
        Expect::Pass(_) => (XDP_PASS, None),
    };
    ensure!(
        seen.action == action,
        "action {}, not {action}",
        seen.action
    );
    let mut expected = row.frame.clone();
    if let Some(source) = source {
        expected[..6].copy_from_slice(&SERVER_MAC.0);
        expected[6..12].copy_from_slice(&source.0);
    }
    ensure!(seen.frame == expected, "the frame is {:02x?}", seen.frame);
    let growth = grown(counters, totals(xdp, table)?);
    ensure!(
        growth == row.counted,
        "counted {growth:?}, not {:?}",
        row.counted
    );
    for (reason, after) in xdp.reasons()? {
        let happened = matches!(row.expect, Expect::Pass(expected) if expected == reason);
        let growth = after - reasons[&reason];
        ensure!(
            growth == u64::from(happened),
            "{} grew by {growth}",
            reason.name()
        );
    }
    Ok(())
}

fn prepare(sandbox: &Sandbox) -> Result<(Xdp, ForwardingTable)> {
    command(
        "ip",
        &["link", "add", "a0", "type", "veth", "peer", "name", "b0"],
    )?;
    let other_nic = ifindex("a0")?;
    let directory = sandbox.bpffs.join("lvx");
    let mut xdp = Xdp::load(sandbox.object, &directory, TableSize::DEFAULT)?;
    let table = table(other_nic);
    xdp.apply(&table)?;
    Ok((xdp, table))
}

#[test]
fn every_row_of_the_packet_table_holds() {
    in_sandbox(|sandbox| {
        let (mut xdp, table) = prepare(sandbox)?;
        let rows = rows();
        ensure!(rows.len() >= 40, "{} rows", rows.len());
        for row in &rows {
            check(&mut xdp, &table, row).context(row.words)?;
        }
        Ok(())
    });
}

/// Each client goes where the table that the daemon filled says.
#[test]
fn the_program_and_the_control_plane_agree_for_every_client() {
    in_sandbox(|sandbox| {
        let size = TableSize::new(251).context("a size")?;
        let directory = sandbox.bpffs.join("lvx");
        let mut xdp = Xdp::load(sandbox.object, &directory, size)?;
        let address = |i: u8| IpAddr::V4(Ipv4Addr::new(192, 0, 2, i));
        let servers = (1u8..=20).map(|i| {
            let mac = Mac([2, 0, 0, 1, 0, i]);
            let path = Path::Link {
                mac,
                source_mac: OUR_MAC,
                ifindex: INGRESS,
                vlans: [0; 2],
            };
            let weight = u16::from(i);
            (
                address(i),
                RealServer {
                    weight,
                    path: Some(path),
                },
            )
        });
        let service = Service::mh(true, servers.collect());
        let members: Vec<_> = (1u8..=20)
            .map(|i| lb_userspace::dataplane::maglev::Member {
                address: address(i),
                port: 80,
                weight: u16::from(i),
            })
            .collect();
        let expected = lb_userspace::dataplane::maglev::fill(&members, size);
        let table = ForwardingTable {
            services: [(service_key((Ipv4Addr::from(VIP), 80).into(), 6), service)].into(),
            interfaces: [(INGRESS, OUR_MAC)].into(),
        };
        xdp.apply(&table)?;
        for client in 0..3000u32 {
            let client = Ipv4Addr::from(0xc633_0000 + client * 7919);
            let frame = edited(tcp(80, 0, syn), |f| {
                f[26..30].copy_from_slice(&client.octets())
            });
            let seen = run(&mut xdp, &frame)?;
            let slot = lb_userspace::dataplane::maglev::client_slot(client.into(), size);
            let member = expected[slot as usize].context("a server")?;
            let mac = [2, 0, 0, 1, 0, member as u8 + 1];
            ensure!(
                seen.frame[..6] == mac,
                "{client}: {:02x?}",
                &seen.frame[..6]
            );
        }
        Ok(())
    });
}
