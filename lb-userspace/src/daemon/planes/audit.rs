//! Finding out what others did to our data planes, and letting the kernel's sync daemon follow.

use std::path::Path;

use crate::control::Control;
use crate::control::plane::XdpState;
use crate::dataplane::ipvs::{IpvsError, SyncRole};
use crate::events::Kind;

use super::{IPVS_RETRY, Kernel, missing};

impl Kernel {
    /// Finds out what others did to our planes, and puts it right. `control` knows the
    /// interfaces as they are now.
    pub(in crate::daemon) async fn audit(&mut self, control: &mut Control, record: &Path) {
        self.notice_lost_program(control);
        self.audit_maps();
        if let Some(ipvs) = &mut self.ipvs {
            match ipvs.audit().await {
                Ok(repaired) => {
                    self.repairs += repaired.len() as u64;
                    for what in repaired {
                        self.event(
                            Kind::Repair,
                            format!("IPVS was changed by others and repaired: {what}"),
                        );
                    }
                }
                Err(error) => tracing::error!(%error, "cannot check IPVS"),
            }
        } else if self.ipvs_tried.elapsed() >= IPVS_RETRY {
            self.look_for_ipvs(control, record).await;
        }
    }

    fn audit_maps(&mut self) {
        let ready = self.ready;
        let Some(xdp) = self.xdp.as_mut().filter(|xdp| ready || !xdp.is_adopted()) else {
            return;
        };
        match tokio::task::block_in_place(|| xdp.audit()) {
            Ok(repaired) => {
                self.repairs += repaired.len() as u64;
                for what in repaired {
                    self.event(
                        Kind::Repair,
                        format!("XDP's maps were changed by others and repaired: {what}"),
                    );
                }
            }
            Err(error) => tracing::error!(%error, "cannot check the maps of XDP"),
        }
    }

    fn notice_lost_program(&mut self, control: &mut Control) {
        let Some(xdp) = &mut self.xdp else {
            return;
        };
        if !control.planes().wants_xdp() || control.planes().xdp == XdpState::Untried {
            return;
        }
        let links = control.links();
        let lost = self.attached.keys().filter(|name| {
            let link = links.get(*name);
            link.and_then(|link| link.xdp).map(|xdp| xdp.program) != xdp.program_id(name)
        });
        let lost: Vec<String> = lost.cloned().collect();
        for name in &lost {
            self.attached.remove(name);
            // Its pin names a link without interface.
            xdp.detach(name);
        }
        if !lost.is_empty() {
            self.repairs += lost.len() as u64;
            let reason = format!("the program was detached from {}", lost.join(", "));
            self.xdp_state(control, missing(reason));
        }
        // What refuses was said when it first did.
        let _ = self.attach_all(control);
    }

    /// Lets the kernel's sync daemon send while we are MASTER and receive otherwise.
    pub(in crate::daemon) async fn follow_sync(
        &mut self,
        control: &Control,
    ) -> Result<(), IpvsError> {
        let Some(ipvs) = &mut self.ipvs else {
            return Ok(());
        };
        let role = if control.is_master() {
            SyncRole::Master
        } else {
            SyncRole::Backup
        };
        let wanted = control
            .config()
            .global
            .sync
            .clone()
            .map(|sync| (sync, role));
        if wanted == self.sync {
            return Ok(());
        }
        if let Some((_, role)) = self.sync.take() {
            ipvs.stop_sync(role).await?;
        }
        if let Some((sync, role)) = &wanted {
            ipvs.start_sync(*role, &sync.interface, sync.id).await?;
        }
        self.sync = wanted;
        Ok(())
    }
}
