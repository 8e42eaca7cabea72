//! Services: through the kernel and back, repaired, recognised, and told from others'.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lb_tests::sandbox::command;
use lb_userspace::dataplane::ipvs::{
    Outcome, Persistence, Service, ServiceFlags, ServiceKey, Table,
};

use crate::place::{VIP, VIP6, in_place, wait};
use crate::tables::{UDP, key, pair, server, service, table};
use crate::wire::{PORT, Segment, Wire};

/// The nth service of a family, so that many can stand beside each other.
fn nth(v6: bool, n: usize) -> ServiceKey {
    ServiceKey::Address {
        address: if v6 { VIP6.into() } else { VIP.into() },
        port: 1000 + n as u16,
        protocol: UDP,
    }
}

/// Every scheduler with everything that a service can have.
fn everything() -> Table {
    let mut services = BTreeMap::new();
    for v6 in [false, true] {
        let plain = |scheduler| service(scheduler, &pair(v6));
        let mut all: Vec<Service> = ["mh", "sh", "rr", "wrr", "lc", "wlc"].map(plain).into();
        for scheduler in ["mh", "sh"] {
            for (port, fallback) in [(true, false), (false, true), (true, true)] {
                let one_packet = port;
                all.push(Service {
                    flags: ServiceFlags {
                        port,
                        fallback,
                        one_packet,
                    },
                    ..plain(scheduler)
                });
            }
        }
        let widths = if v6 { [128, 56, 1] } else { [32, 24, 0] };
        for prefix_len in widths {
            let timeout = Duration::from_secs(3600);
            all.push(Service {
                persistence: Some(Persistence {
                    timeout,
                    prefix_len,
                }),
                ..plain("wlc")
            });
        }
        let mut limited = plain("lc");
        for destination in limited.destinations.values_mut() {
            (destination.upper_threshold, destination.lower_threshold) = (1000, 800);
        }
        all.push(limited);
        let all = all.into_iter().enumerate();
        services.extend(all.map(|(n, service)| (nth(v6, n), service)));
        services.insert(ServiceKey::Fwmark { mark: 7, v6 }, plain("rr"));
        services.insert(key(v6), plain("mh"));
    }
    Table { services }
}

#[test]
fn everything_goes_through_the_kernel_and_back() {
    in_place(async |place| {
        let table = everything();
        let mut ipvs = place.ipvs().await?;
        let outcome = ipvs.apply(&table).await?;
        let expected = table.services.len() * 3;
        ensure!(
            matches!(outcome, Outcome::Written { operations, .. } if operations == expected),
            "{outcome:?}"
        );
        // All of it reads back as it was asked for, by us and by a new daemon.
        let repaired = ipvs.audit().await?;
        ensure!(repaired.is_empty(), "{repaired:?}");
        ensure!(ipvs.apply(&table).await? == Outcome::Unchanged);
        let mut next = place.ipvs().await?;
        ensure!(next.apply(&table).await? == Outcome::Unchanged);
        ensure!(next.counters().await?.len() == table.services.len());
        // And ipvsadm agrees.
        let services = place.services()?;
        for line in [
            "-A -t 192.0.2.10:80 -s mh",
            "-a -t 192.0.2.10:80 -r 10.9.0.2:80 -g -w 2",
            "-A -t [2001:db8::10]:80 -s mh",
            "-a -t [2001:db8::10]:80 -r [2001:db8:9::1]:80 -g -w 1",
            "-A -u 192.0.2.10:1008 -s mh -o -b mh-fallback,mh-port",
            "-A -u 192.0.2.10:1009 -s sh -o -b sh-port",
            "-A -u 192.0.2.10:1010 -s sh -b sh-fallback",
            "-A -u 192.0.2.10:1013 -s wlc -p 3600 -M 255.255.255.0",
            "-A -u [2001:db8::10]:1013 -s wlc -p 3600 -M 56",
            "-A -f 7 -s rr",
            "-A -f 7 -6 -s rr",
        ] {
            ensure!(
                services.iter().any(|found| found == line),
                "{line}: {services:?}"
            );
        }
        let limits = command("ipvsadm", &["-L", "-n", "--thresholds"])?;
        let mut limits = limits
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>());
        ensure!(limits.any(|words| words.starts_with(&["->", "10.9.0.1:1015", "1000", "800"])));
        next.remove().await?;
        ensure!(place.services()?.is_empty());
        ensure!(!place.record().exists());
        Ok(())
    });
}

#[test]
fn only_differences_are_written() {
    in_place(async |place| {
        let mut ipvs = place.ipvs().await?;
        let mut wanted = table([(key(false), service("mh", &pair(false)))]);
        ipvs.apply(&wanted).await?;
        let mut written = async |table: &Table| -> Result<usize> {
            match ipvs.apply(table).await? {
                Outcome::Unchanged => Ok(0),
                Outcome::Written { operations, .. } => Ok(operations),
            }
        };
        ensure!(written(&wanted).await? == 0);
        let change = |table: &mut Table, edit: &dyn Fn(&mut Service)| {
            table.services.values_mut().for_each(edit);
        };
        // A scheduler, its flags, persistence, a weight: one write each.
        change(&mut wanted, &|service| service.scheduler = "wlc".to_owned());
        ensure!(written(&wanted).await? == 1);
        change(&mut wanted, &|service| service.scheduler = "sh".to_owned());
        ensure!(written(&wanted).await? == 1);
        change(&mut wanted, &|service| service.flags.fallback = true);
        ensure!(written(&wanted).await? == 1);
        change(&mut wanted, &|service| {
            service.persistence = Some(Persistence {
                timeout: Duration::from_secs(60),
                prefix_len: 24,
            });
        });
        ensure!(written(&wanted).await? == 1);
        change(&mut wanted, &|service| service.persistence = None);
        ensure!(written(&wanted).await? == 1);
        change(&mut wanted, &|service| {
            service
                .destinations
                .values_mut()
                .for_each(|d| d.weight += 1);
        });
        ensure!(written(&wanted).await? == 2);
        wanted
            .services
            .insert(nth(false, 1), service("rr", &pair(false)));
        ensure!(written(&wanted).await? == 3);
        wanted.services.remove(&key(false));
        ensure!(written(&wanted).await? == 1);
        ensure!(place.services()?.len() == 3);
        Ok(())
    });
}

#[test]
fn a_table_changed_by_others_is_repaired() {
    in_place(async |place| {
        let mut ipvs = place.ipvs().await?;
        let wanted = table([
            (key(false), service("mh", &pair(false))),
            (key(true), service("wrr", &pair(true))),
        ]);
        ipvs.apply(&wanted).await?;
        let before = (place.services()?, place.order()?);
        command("ipvsadm", &["-C"])?;
        let repaired = ipvs.audit().await?;
        ensure!(repaired.len() == 6, "{repaired:?}");
        ensure!((place.services()?, place.order()?) == before);
        for damage in [
            "-D -t 192.0.2.10:80",
            "-E -t 192.0.2.10:80 -s rr",
            "-d -t 192.0.2.10:80 -r 10.9.0.1:80",
            "-e -t 192.0.2.10:80 -r 10.9.0.1:80 -g -w 9",
            "-e -t [2001:db8::10]:80 -r [2001:db8:9::1]:80 -i -w 1",
            "-a -t 192.0.2.10:80 -r 10.9.0.3:80 -g",
        ] {
            command("ipvsadm", &damage.split(' ').collect::<Vec<_>>())?;
            ensure!(place.services()? != before.0, "{damage}");
            ensure!(!ipvs.audit().await?.is_empty(), "{damage}");
            ensure!((place.services()?, place.order()?) == before, "{damage}");
            ensure!(ipvs.audit().await?.is_empty(), "{damage}");
        }
        place.set_sysctl("sloppy_tcp", "0")?;
        ensure!(ipvs.audit().await?.len() == 1);
        ensure!(place.sysctl("sloppy_tcp")? == "1");
        Ok(())
    });
}

#[test]
fn counters_count() {
    in_place(async |place| {
        let wire = Wire::open()?;
        let mut ipvs = place.ipvs().await?;
        ipvs.apply(&table([(key(false), service("rr", &pair(false)))]))
            .await?;
        for n in 0..10 {
            wire.send([198, 18, 0, n].into(), 1024, Segment::Syn)?;
            wire.send([198, 18, 0, n].into(), 1024, Segment::Ack)?;
        }
        let counters = wait("the kernel to sum up", async || {
            let all = ipvs.counters().await?;
            let counters = all.get(&key(false)).cloned().context("no counters")?;
            Ok((counters.packets == 20).then_some(counters))
        })
        .await?;
        ensure!(counters.connections == 10, "{counters:?}");
        ensure!(counters.bytes == 20 * 40, "{counters:?}");
        for n in [1, 2] {
            let of = counters.destinations.get(&server(false, n));
            let of = of.with_context(|| format!("{counters:?}"))?;
            ensure!(
                (of.connections, of.packets, of.bytes) == (5, 10, 400),
                "{of:?}"
            );
            ensure!(of.active + of.inactive == 5, "{of:?}");
        }
        ipvs.zero(key(false)).await?;
        let all = ipvs.counters().await?;
        ensure!(
            all.get(&key(false)).is_some_and(|now| now.packets == 0),
            "{all:?}"
        );
        Ok(())
    });
}

#[test]
fn errors_name_the_object_and_the_reason() {
    in_place(async |place| {
        let mut ipvs = place.ipvs().await?;
        let wrong = table([
            (key(false), service("nonesuch", &pair(false))),
            (key(true), service("mh", &pair(true))),
        ]);
        let Err(error) = ipvs.apply(&wrong).await else {
            anyhow::bail!("a scheduler that does not exist was taken");
        };
        let words = error.to_string();
        for word in ["tcp 192.0.2.10:80", "nonesuch", "ip_vs_nonesuch"] {
            ensure!(words.contains(word), "{words}");
        }
        // The other service is there all the same.
        ensure!(place.services()?.len() == 3, "{:?}", place.services()?);
        let mut multicast = service("mh", &BTreeMap::from([([224, 0, 0, 1].into(), 1)]));
        multicast.flags.port = true;
        let Err(error) = ipvs.apply(&table([(key(false), multicast)])).await else {
            anyhow::bail!("a multicast address was taken");
        };
        let words = error.to_string();
        for word in ["tcp 192.0.2.10:80", "224.0.0.1", "Invalid argument"] {
            ensure!(words.contains(word), "{words}");
        }
        // A wrong table does not stand in the way of the next.
        ipvs.apply(&table([(key(false), service("mh", &pair(false)))]))
            .await?;
        ensure!(place.services()?.len() == 3 && ipvs.audit().await?.is_empty());
        ensure!(PORT == 80 && ipvs.info().await?.connection_table > 0);
        Ok(())
    });
}
