//! Two hosts in network namespaces of their own, joined by a cable.

use std::fs::{self, File};
use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU8;
use std::os::fd::AsRawFd;
use std::process::{self, Command as Process};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket, Type};

use crate::config::{
    Auth, ChecksumForm, Garp, Instance, InterfaceAddress, Preempt, Realtime, SyncGroup, Version,
};
use crate::vrrp::packet::{self, Advertisement, Expected};
use crate::vrrp::{Command, Event, Handle, State, Statistics};

pub(super) const INTERFACE: &str = "wire";
pub(super) const VIP: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 10);
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Tests run side by side, and none may hold up the others.
pub(super) const UNPROTECTED: Realtime = Realtime {
    priority: None,
    lock_memory: false,
};

/// Whether this test can run; a missing root is an error in CI.
pub(super) fn can_run() -> bool {
    // SAFETY: no arguments, no failure.
    let root = unsafe { libc::geteuid() } == 0;
    if !root {
        assert_ne!(
            std::env::var("CI").as_deref(),
            Ok("true"),
            "CI must be root"
        );
        eprintln!("skipped: network namespaces need root");
    }
    root
}

pub(super) fn ip(arguments: &str) {
    let output = Process::new("ip")
        .args(arguments.split(' '))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ip {arguments}: {said}");
}

fn is_up(host: &str, interface: &str) -> bool {
    let show = ["-n", host, "link", "show", interface, "up"];
    let output = Process::new("ip").args(show).output().unwrap();
    String::from_utf8_lossy(&output.stdout).contains("state UP")
}

/// Namespaces 0 and 1; gone when dropped, also by a panic.
pub(super) struct Lab {
    names: [String; 2],
}

impl Lab {
    pub(super) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let names = [0, 1].map(|host| format!("lvx-vrrp-{}-{count}-{host}", process::id()));
        // Made first: what comes up half must go down too.
        let lab = Self { names };
        for (host, name) in lab.names.iter().enumerate() {
            ip(&format!("netns add {name}"));
            // Else an IPv6 address can be used a second or two later only.
            let dad = "/proc/sys/net/ipv6/conf/default/accept_dad";
            lab.on(host, move || fs::write(dad, "0")).unwrap();
        }
        lab
    }

    pub(super) fn connected() -> Self {
        let lab = Self::new();
        lab.connect();
        lab
    }

    /// Host `n` gets 192.0.2.(n + 1) and the MAC 02:00:00:00:00:0(n + 1), from which IPv6's
    /// link-local address follows.
    pub(super) fn connect(&self) {
        self.cable(INTERFACE, "02:00:00:00:00", "192.0.2");
    }

    /// A cable whose ends have this name.
    pub(super) fn cable(&self, name: &str, mac: &str, network: &str) {
        let [a, b] = &self.names;
        ip(&format!(
            "-n {a} link add {name} address {mac}:01 type veth \
             peer name {name} address {mac}:02 netns {b}"
        ));
        for host in 0..2 {
            let address = format!("{network}.{}/24", host + 1);
            self.ip(host, &format!("address add {address} dev {name}"));
            self.ip(host, &format!("link set {name} up"));
        }
        // Until then the kernel may drop what is sent.
        let deadline = Instant::now() + PATIENCE;
        while !self.names.iter().all(|host| is_up(host, name)) {
            assert!(Instant::now() < deadline, "{name} is not up");
            thread::yield_now();
        }
    }

    /// Runs `ip` on a host.
    pub(super) fn ip(&self, host: usize, arguments: &str) {
        ip(&format!("-n {} {arguments}", self.names[host]));
    }

    pub(super) fn disconnect(&self) {
        ip(&format!("-n {} link del {INTERFACE}", self.names[0]));
    }

    /// Runs `act` on a thread inside a host; threads made by `act` are inside too.
    pub(super) fn on<T: Send + 'static>(
        &self,
        host: usize,
        act: impl FnOnce() -> T + Send + 'static,
    ) -> T {
        let namespace = File::open(format!("/run/netns/{}", self.names[host])).unwrap();
        let inside = thread::spawn(move || {
            // SAFETY: a valid descriptor; it moves this thread only.
            let result = unsafe { libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWNET) };
            assert_eq!(result, 0, "setns");
            act()
        });
        inside.join().unwrap()
    }

    pub(super) fn director(&self, host: usize) -> Director {
        self.director_with(host, UNPROTECTED, |_| ())
    }

    /// A director whose thread calls `look` with each event first.
    pub(super) fn director_with(
        &self,
        host: usize,
        realtime: Realtime,
        mut look: impl FnMut(&Event) + Send + 'static,
    ) -> Director {
        self.on(host, move || {
            let (sender, events) = mpsc::channel();
            let emit = move |event| {
                look(&event);
                drop(sender.send(event));
            };
            let handle = Handle::spawn(realtime, emit).unwrap();
            Director { handle, events }
        })
    }

    /// Sees all that a host's interfaces receive and send.
    pub(super) fn sniffer(&self, host: usize) -> Sniffer {
        let all = Protocol::from(i32::from((libc::ETH_P_ALL as u16).to_be()));
        let socket = self.on(host, move || {
            Socket::new(Domain::PACKET, Type::RAW, Some(all))
        });
        let socket = socket.unwrap();
        let timeout = Some(Duration::from_millis(100));
        socket.set_read_timeout(timeout).unwrap();
        Sniffer(socket)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for name in &self.names {
            let _ = Process::new("ip").args(["netns", "del", name]).output();
        }
    }
}

pub(super) struct Director {
    pub(super) handle: Handle,
    events: Receiver<Event>,
}

impl Director {
    pub(super) fn configure(&self, instances: &[Instance]) {
        self.handle.send(Command::Configure {
            instances: instances.to_vec(),
            groups: Vec::new(),
        });
    }

    pub(super) fn start(&self, instance: &str) {
        let instance = instance.to_owned();
        self.handle.send(Command::Start { instance });
    }

    pub(super) fn announce(&self, instance: &str) {
        let instance = instance.to_owned();
        self.handle.send(Command::Announce { instance });
    }

    pub(super) fn configure_group(&self, instances: &[Instance], name: &str) {
        let members = instances.iter().map(|one| one.name.clone()).collect();
        self.handle.send(Command::Configure {
            instances: instances.to_vec(),
            groups: vec![SyncGroup {
                name: name.to_owned(),
                instances: members,
                notify: None,
            }],
        });
    }

    /// Configures one instance, starts it and waits until it leads.
    pub(super) fn lead(&self, instance: &Instance) {
        self.configure(std::slice::from_ref(instance));
        self.start(&instance.name);
        self.until(State::Master);
    }

    /// The counters of the only instance.
    pub(super) fn statistics(&self) -> Statistics {
        let statistics = self.handle.statistics();
        assert_eq!(statistics.len(), 1, "{statistics:?}");
        statistics.into_iter().next().unwrap()
    }

    /// Skips events until one is wanted.
    pub(super) fn find<T>(&self, wanted: impl Fn(Event) -> Option<T>) -> T {
        loop {
            if let Some(found) = wanted(self.next_event()) {
                return found;
            }
        }
    }

    /// Skips events until this instance reaches the state; returns why, at what priority, when.
    pub(super) fn until_of(&self, name: &str, wanted: State) -> (String, u8, Instant) {
        self.find(|event| {
            if let Event::State {
                instance,
                state,
                priority,
                cause,
                at,
            } = event
                && instance == name
                && state == wanted
            {
                Some((cause.to_string(), priority, at))
            } else {
                None
            }
        })
    }

    pub(super) fn next_event(&self) -> Event {
        self.events.recv_timeout(PATIENCE).expect("an event")
    }

    /// Skips events until the state is reached; returns the cause and when.
    pub(super) fn until(&self, wanted: State) -> (String, Instant) {
        loop {
            if let Event::State {
                state, cause, at, ..
            } = self.next_event()
                && state == wanted
            {
                return (cause.to_string(), at);
            }
        }
    }

    /// Skips events until a leader is heard; returns its address and priority.
    pub(super) fn until_leader(&self) -> (IpAddr, u8) {
        loop {
            if let Event::LeaderHeard {
                source, priority, ..
            } = self.next_event()
            {
                return (source, priority);
            }
        }
    }
}

/// A frame of interest.
#[derive(Debug)]
pub(super) enum Seen {
    Arp(Vec<u8>),
    Advertisement(Ipv4Addr, Advertisement),
}

pub(super) struct Sniffer(Socket);

impl Sniffer {
    /// The next frame that is wanted.
    pub(super) fn find<T>(&self, wanted: impl Fn(&[u8]) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        let mut buffer = [0; 2048];
        while Instant::now() < deadline {
            // Times out now and then to look at the deadline.
            let Ok(len) = std::io::Read::read(&mut &self.0, &mut buffer) else {
                continue;
            };
            if let Some(found) = wanted(&buffer[..len]) {
                return found;
            }
        }
        panic!("nothing seen in {PATIENCE:?}");
    }

    /// The next ARP frame, or the next advertisement of `instance` that passes all checks.
    pub(super) fn next(&self, instance: &Instance) -> Seen {
        self.find(|frame| match frame[12..14] {
            [0x08, 0x06] => Some(Seen::Arp(frame.to_vec())),
            [0x08, 0x00] if frame[..6] == [0x01, 0x00, 0x5e, 0, 0, 0x12] => {
                let (header, message) = packet::split_ipv4(&frame[14..]).unwrap();
                let expected = Expected {
                    version: instance.version,
                    virtual_router_id: instance.virtual_router_id,
                    interval: instance.advert_interval,
                    auth: instance.auth,
                    peers: None,
                    ttl: 255..=255,
                };
                let received = packet::parse(&header, message, &expected).unwrap();
                let IpAddr::V4(source) = header.source else {
                    panic!("an IPv4 datagram");
                };
                Some(Seen::Advertisement(source, received.advertisement))
            }
            _ => None,
        })
    }

    /// The next advertisement from this address, whatever else goes by.
    pub(super) fn next_advertisement(&self, instance: &Instance, from: Ipv4Addr) -> Advertisement {
        loop {
            match self.next(instance) {
                Seen::Advertisement(source, advertisement) if source == from => {
                    return advertisement;
                }
                Seen::Advertisement(..) | Seen::Arp(_) => (),
            }
        }
    }
}

/// Version 3, VRID 51, 100 ms.
pub(super) fn instance(name: &str, priority: u8) -> Instance {
    Instance {
        name: name.to_owned(),
        interface: INTERFACE.to_owned(),
        virtual_router_id: NonZeroU8::new(51).unwrap(),
        version: Version::V3,
        priority: NonZeroU8::new(priority).unwrap(),
        advert_interval: Duration::from_millis(100),
        addresses: vec![InterfaceAddress {
            address: VIP.into(),
            prefix_len: 24,
        }],
        checksum: ChecksumForm::Rfc5798,
        auth: Auth::None,
        preempt: Preempt::Always,
        startup_delay: Duration::ZERO,
        accept: true,
        virtual_mac: None,
        unicast: None,
        track: Vec::new(),
        notify: None,
        garp: Garp {
            count: 3,
            interval: Duration::from_millis(20),
            refresh: None,
            ..Garp::default()
        },
    }
}
