//! Switches, timeouts and sync daemons.

use anyhow::{Result, ensure};
use lb_tests::sandbox::command;
use lb_userspace::dataplane::ipvs::{IpvsError, SyncDaemon, SyncRole, Timeouts};

use crate::place::in_place;
use crate::tables::{key, pair, service, table};

#[test]
fn switches_are_set_and_set_back() {
    in_place(async |place| {
        let names = [
            "sloppy_tcp",
            "sloppy_sctp",
            "expire_nodest_conn",
            "conn_reuse_mode",
        ];
        place.set_sysctl("conn_reuse_mode", "0")?;
        place.set_sysctl("sloppy_sctp", "1")?;
        let read = || names.map(|name| place.sysctl(name).unwrap_or_default());
        let before = read();
        let mut ipvs = place.ipvs().await?;
        ensure!(read() == before, "connecting changes nothing");
        ipvs.apply(&table([(key(false), service("mh", &pair(false)))]))
            .await?;
        ensure!(read() == ["1"; 4], "{:?}", read());
        // A crash in between does not lose what they were.
        drop(ipvs);
        let mut ipvs = place.ipvs().await?;
        ipvs.apply(&table([])).await?;
        ipvs.remove().await?;
        ensure!(read() == before, "{:?}", read());
        Ok(())
    });
}

#[test]
fn timeouts_are_set_and_set_back() {
    in_place(async |place| {
        let mut ipvs = place.ipvs().await?;
        let before = ipvs.timeouts().await?;
        let ours = Timeouts {
            tcp: 7200,
            tcp_fin: 0,
            udp: 60,
        };
        ipvs.set_timeouts(ours).await?;
        let after = Timeouts {
            tcp_fin: before.tcp_fin,
            ..ours
        };
        ensure!(ipvs.timeouts().await? == after);
        ipvs.set_timeouts(Timeouts { udp: 30, ..ours }).await?;
        ipvs.remove().await?;
        ensure!(place.ipvs().await?.timeouts().await? == before);
        Ok(())
    });
}

fn multicast() -> Result<()> {
    command("ip", &["addr", "add", "10.8.0.1/24", "dev", "client"])?;
    command("ip", &["link", "set", "client", "multicast", "on"])?;
    command("ip", &["route", "add", "224.0.0.0/4", "dev", "client"]).map(drop)
}

fn daemon(role: SyncRole, id: u8) -> SyncDaemon {
    let interface = "client".to_owned();
    SyncDaemon {
        role,
        interface,
        id,
    }
}

#[test]
fn sync_daemons_start_and_stop() {
    in_place(async |place| {
        multicast()?;
        let [master, backup] = [SyncRole::Master, SyncRole::Backup];
        let mut ipvs = place.ipvs().await?;
        ensure!(ipvs.sync_state().await?.is_empty());
        ipvs.start_sync(master, "client", 5).await?;
        ipvs.start_sync(backup, "client", 6).await?;
        let both = [daemon(master, 5), daemon(backup, 6)];
        ensure!(
            ipvs.sync_state().await? == both,
            "{:?}",
            ipvs.sync_state().await?
        );
        // Again: nothing; otherwise: replaced.
        ipvs.start_sync(master, "client", 5).await?;
        ipvs.start_sync(master, "client", 7).await?;
        let both = [daemon(master, 7), daemon(backup, 6)];
        ensure!(ipvs.sync_state().await? == both);
        ipvs.stop_sync(backup).await?;
        ipvs.stop_sync(backup).await?;
        ensure!(ipvs.sync_state().await? == both[..1]);
        // Stopped by another: started again.
        command("ipvsadm", &["--stop-daemon", "master"])?;
        let repaired = ipvs.audit().await?;
        ensure!(repaired.len() == 1, "{repaired:?}");
        ensure!(ipvs.sync_state().await? == both[..1]);
        // A crash does not leave it running for ever.
        drop(ipvs);
        place.ipvs().await?.remove().await?;
        ensure!(place.ipvs().await?.sync_state().await?.is_empty());
        Ok(())
    });
}

#[test]
fn sync_daemons_of_others_are_left_alone() {
    in_place(async |place| {
        multicast()?;
        let foreign = "--start-daemon backup --mcast-interface client --syncid 9";
        command("ipvsadm", &foreign.split(' ').collect::<Vec<_>>())?;
        let mut ipvs = place.ipvs().await?;
        let refused = ipvs.start_sync(SyncRole::Backup, "client", 6).await;
        ensure!(
            matches!(refused, Err(IpvsError::SyncDaemonInTheWay { .. })),
            "{refused:?}"
        );
        ipvs.stop_sync(SyncRole::Backup).await?;
        let refused = ipvs.start_sync(SyncRole::Master, "nonesuch", 6).await;
        let Err(IpvsError::SyncDaemon { error, .. }) = refused else {
            anyhow::bail!("{refused:?}");
        };
        ensure!(error.errno == libc::ENODEV, "{error}");
        ipvs.remove().await?;
        let left = place.ipvs().await?.sync_state().await?;
        ensure!(left == [daemon(SyncRole::Backup, 9)], "{left:?}");
        command("ipvsadm", &["--stop-daemon", "backup"]).map(drop)
    });
}
