//! `[[sync_group]]`.

use super::block::Block;
use super::check::duplicates;
use super::reader::{at, list, name, string};
use super::report::{At, Report};
use super::{SyncGroup, command, suggest, vrrp};

/// What could be read of a group: enough to compare it with the others.
pub(super) struct Draft {
    pub(super) name: Option<At<String>>,
    pub(super) instances: Vec<At<String>>,
    pub(super) group: Option<SyncGroup>,
}

/// `certain`: the names of all instances could be read.
pub(super) fn read(
    report: &mut Report<'_>,
    mut block: Block<'_>,
    instances: &[vrrp::Draft],
    certain: bool,
    script_user: &str,
) -> Draft {
    let b = &mut block;
    let name = b.required(report, "name", at(name)).map(|name| At {
        value: name.value.to_owned(),
        span: name.span,
    });
    let members = b.required(report, "instances", at(list(string)));
    let notify = command::notify(report, b, script_user);
    block.finish(report, None);

    let (members, span, whole) = match members {
        Some(At { value: list, span }) => (list.items, span, list.whole),
        None => (Vec::new(), 0..0, false),
    };
    if whole && members.len() < 2 {
        report
            .error(&span, "`instances` has fewer than two instances")
            .hint("name those that shall be master together, or remove the group");
    }
    duplicates(
        report,
        members.iter().map(|member| (member.value, &member.span)),
        |member| format!("`instances` has {member:?} twice"),
    );
    let names = || {
        let names = instances.iter().filter_map(|d| d.name.as_ref());
        names.map(|name| name.value.as_str())
    };
    for member in &members {
        let name = member.value;
        if certain && !names().any(|known| known == name) {
            let hint = suggest::among(name, names(), "instance", "[[vrrp]]");
            let message = format!("no VRRP instance is named {name:?}");
            report.absent(&member.span, message, hint);
        }
    }
    let members: Vec<At<String>> = members
        .into_iter()
        .map(|member| At {
            value: member.value.to_owned(),
            span: member.span,
        })
        .collect();
    let build = || {
        Some(SyncGroup {
            name: name.as_ref()?.value.clone(),
            instances: members.iter().map(|member| member.value.clone()).collect(),
            notify: notify?,
        })
    };
    let group = build();
    Draft {
        name,
        instances: members,
        group,
    }
}
