//! What a Redis server says of its replication. PURE.

use std::time::Duration;

use crate::config::Role;
use crate::health::failure::excerpt;

use super::RedisFault;
use super::resp::Value;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::health) enum LagFault {
    #[error("it is a master: `max_lag` is for replicas")]
    Master,
    #[error("it has lost its master {master}")]
    Down { master: String },
    #[error("it is copying the data of its master")]
    Copying,
    #[error("it has heard nothing from its master for {lag:?}, more than {most:?}")]
    Behind { lag: Duration, most: Duration },
    #[error("INFO says nothing of its replication")]
    Unknown,
}

pub(in crate::health) fn judge_role(answer: &Value, wanted: Role) -> Result<(), RedisFault> {
    let Value::Array(parts) = answer else {
        return Err(RedisFault::Unknown { command: "ROLE" });
    };
    let role = parts.first().and_then(Value::text);
    let got = match role {
        Some("master") => Some(Role::Master),
        Some("slave" | "replica") => Some(Role::Replica),
        Some(_) => None,
        None => return Err(RedisFault::Unknown { command: "ROLE" }),
    };
    if got == Some(wanted) {
        return Ok(());
    }
    let got = match got {
        Some(role) => role.name().to_owned(),
        None => excerpt(role.unwrap_or_default()),
    };
    Err(RedisFault::Role { got, wanted })
}

/// By the answer to INFO replication.
pub(in crate::health) fn judge_lag(answer: &Value, most: Duration) -> Result<(), LagFault> {
    let text = answer.text().ok_or(LagFault::Unknown)?;
    let field = |name: &str| {
        let lines = text.lines();
        let mut fields = lines.filter_map(|line| line.split_once(':'));
        let found = fields.find(|(key, _)| *key == name);
        found.map(|(_, value)| value.trim())
    };
    match field("role") {
        Some("slave" | "replica") => {}
        Some("master") => return Err(LagFault::Master),
        Some(_) | None => return Err(LagFault::Unknown),
    }
    if field("master_link_status") != Some("up") {
        if field("master_sync_in_progress") == Some("1") {
            return Err(LagFault::Copying);
        }
        let part = |name| field(name).unwrap_or("?");
        let master = format!("{}:{}", part("master_host"), part("master_port"));
        let master = excerpt(&master);
        return Err(LagFault::Down { master });
    }
    let seconds = field("master_last_io_seconds_ago").and_then(|text| text.parse().ok());
    let lag = Duration::from_secs(seconds.ok_or(LagFault::Unknown)?);
    if lag > most {
        return Err(LagFault::Behind { lag, most });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn info(text: &str) -> String {
        let answer = Value::Bulk(text.replace(' ', "\r\n").into_bytes());
        match judge_lag(&answer, Duration::from_secs(10)) {
            Ok(()) => "up".to_owned(),
            Err(fault) => fault.to_string(),
        }
    }

    #[test]
    fn lags() {
        for (text, judged) in [
            (
                "role:slave master_link_status:up master_last_io_seconds_ago:10",
                "up",
            ),
            (
                "role:slave master_link_status:up master_last_io_seconds_ago:11",
                "it has heard nothing from its master for 11s, more than 10s",
            ),
            (
                "role:slave master_host:192.0.2.1 master_port:6379 master_link_status:down",
                "it has lost its master 192.0.2.1:6379",
            ),
            (
                "role:slave master_link_status:down master_sync_in_progress:1",
                "it is copying the data of its master",
            ),
            ("role:master", "it is a master: `max_lag` is for replicas"),
            ("", "INFO says nothing of its replication"),
            (
                "role:slave master_link_status:up master_last_io_seconds_ago:-1",
                "INFO says nothing of its replication",
            ),
        ] {
            assert_eq!(info(text), judged, "{text}");
        }
    }

    #[test]
    fn roles() {
        let answer = |role: &str| Value::Array(vec![Value::Bulk(role.as_bytes().to_vec())]);
        assert_eq!(judge_role(&answer("master"), Role::Master), Ok(()));
        assert_eq!(judge_role(&answer("slave"), Role::Replica), Ok(()));
        let other = judge_role(&answer("slave"), Role::Master).unwrap_err();
        assert_eq!(other.to_string(), "it is a replica, expected a master");
        let other = judge_role(&answer("sentinel"), Role::Master).unwrap_err();
        assert_eq!(other.to_string(), "it is a sentinel, expected a master");
        let unknown = RedisFault::Unknown { command: "ROLE" };
        assert_eq!(judge_role(&Value::Nil, Role::Master), Err(unknown));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = judge_lag(&Value::Bulk(bytes.clone()), Duration::ZERO);
            let _ = judge_role(&Value::Array(vec![Value::Bulk(bytes)]), Role::Master);
        }
    }
}
