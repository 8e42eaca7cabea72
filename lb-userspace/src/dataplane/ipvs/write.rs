//! Requests that change something.

use super::frame::{Message, Refusal};
use super::plan::{self, Operation};
use super::{Ipvs, IpvsError, codec, record};

impl Ipvs {
    pub(super) async fn remove_services(&self) -> Result<(), IpvsError> {
        let services = self.list_services().await?;
        let ours = self.record.contents().services.iter();
        let present = ours.filter(|key| services.contains_key(key));
        let operations: Vec<Operation> = present
            .map(|&service| Operation {
                service,
                change: plan::Change::RemoveService,
            })
            .collect();
        self.carry_out(&operations).await
    }

    /// Writes all of `operations`; the first refusal, if any.
    pub(super) async fn carry_out(&self, operations: &[Operation]) -> Result<(), IpvsError> {
        if operations.is_empty() {
            return Ok(());
        }
        let requests: Vec<Message> = operations.iter().map(codec::operation).collect();
        let pause = plan::takes_out_and_back(operations);
        if pause {
            self.expire_connections(false)?;
        }
        let results = self.client.execute(&requests).await;
        if pause {
            self.expire_connections(true)?;
        }
        let results = results.map_err(|error| IpvsError::query("change", error))?;
        for (operation, result) in operations.iter().zip(results) {
            result.map_err(|refusal| IpvsError::operation(operation, refusal))?;
        }
        Ok(())
    }

    /// Sends one request that has no answer.
    pub(super) async fn request(
        &self,
        request: Message,
        what: &'static str,
    ) -> Result<Result<(), Refusal>, IpvsError> {
        let ask = |error| IpvsError::query(what, error);
        let results = self.client.execute(&[request]).await.map_err(ask)?;
        Ok(results.into_iter().collect())
    }

    pub(super) fn record_change(
        &mut self,
        edit: impl FnOnce(&mut record::Contents),
    ) -> Result<(), IpvsError> {
        let changed = self.record.change(edit);
        changed.map_err(|error| IpvsError::record(self.record.path(), error))
    }
}
