//! What a check says of TLS.

use std::time::Duration;

use rustls::pki_types::ServerName;

use crate::config::block::{Block, Value};
use crate::config::reader::{absolute_path, at, boolean, string, time};
use crate::config::report::Report;
use crate::config::{Tls, Trust};

use super::value::pair_of_files;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const EXPIRY_WARNING: Duration = Duration::from_secs(14 * 24 * 60 * 60);

pub(super) fn read(report: &mut Report<'_>, block: &mut Block<'_>) -> Option<Tls> {
    let sni = block.optional(report, "sni", server_name);
    let trust = trust(report, block);
    let identity = pair_of_files(report, block, ("cert", "key"));
    let expiry_warning = block.default(
        report,
        "expiry_warning",
        EXPIRY_WARNING,
        time(Duration::ZERO, 3650 * DAY),
    );
    let Trust { ca, verify } = trust?;
    Some(Tls {
        sni: sni?,
        ca,
        verify,
        identity: identity?,
        expiry_warning: expiry_warning?,
    })
}

/// Whose certificates are believed.
pub(in crate::config) fn trust(report: &mut Report<'_>, block: &mut Block<'_>) -> Option<Trust> {
    let ca = block.optional(report, "ca", at(absolute_path));
    let verify = block.default(report, "verify", true, boolean);
    let ca = ca?;
    if let (Some(ca), Some(false)) = (&ca, verify) {
        report
            .error(
                &ca.span,
                "`ca` says what to verify by, but `verify` is false",
            )
            .hint("remove one of them");
        return None;
    }
    Some(Trust {
        ca: ca.map(|ca| ca.value),
        verify: verify?,
    })
}

/// Of `smtp` and `grpc`, where a key says whether there is TLS at all.
pub(super) fn read_if(
    report: &mut Report<'_>,
    block: &mut Block<'_>,
    switch: &'static str,
) -> Option<Option<Tls>> {
    match block.default(report, switch, false, boolean)? {
        true => read(report, block).map(Some),
        false => Some(None),
    }
}

fn server_name(report: &mut Report<'_>, value: Value<'_>) -> Option<ServerName<'static>> {
    let text = string(report, value)?;
    let name = ServerName::try_from(text.to_owned()).ok();
    if name.is_none() {
        let subject = value.subject();
        report
            .error(
                &value.span(),
                format!("{subject} is not the name of a host: {text:?}"),
            )
            .hint(r#"write the name in the certificate, like "www.example.com""#);
    }
    name
}
