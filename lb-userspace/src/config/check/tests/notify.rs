//! Wrong `[[notify]]` blocks.

use super::Row;

pub(super) const ROWS: &[Row] = &[
    (
        "",
        "1:1 `type` is missing in [[notify]] | add `type = …`",
    ),
    (
        "type = \"pager\"",
        "3:8 `type` must be \"mail\", \"webhook\" or \"command\", not \"pager\"",
    ),
    // What is common to all.
    (
        "type = \"command\"\ncommand = [\"/bin/true\"]\nevents = [\"vrp\"]",
        "5:11 an element of `events` must be \"vrrp\", \"server\", \"quorum\", \"split-brain\", \"plane\", \"daemon\", \"certificate\", \"order\", \"reload\", \"repair\", \"track\", \"notify\" or \"all\", not \"vrp\" | did you mean \"vrrp\"?",
    ),
    (
        "type = \"command\"\ncommand = [\"/bin/true\"]\nevents = []",
        "5:10 `events` is empty: it would never be told | write what it shall be told of, or remove the block",
    ),
    (
        "type = \"command\"\ncommand = [\"/bin/true\"]\nrate = \"20\"",
        "5:8 `rate` is not a rate: \"20\" | write 1 to 10000 messages in a time of at most a day, like \"20/h\" or \"5/10m\", or \"off\"",
    ),
    (
        "type = \"command\"\ncommand = [\"/bin/true\"]\nrate = \"0/h\"",
        "5:8 `rate` is not a rate: \"0/h\" | write 1 to 10000 messages in a time of at most a day, like \"20/h\" or \"5/10m\", or \"off\"",
    ),
    (
        "type = \"command\"\ncommand = [\"/bin/true\"]\ngroup = \"2h\"",
        "5:9 `group` must be from 0s to 1h, not 2h",
    ),
    (
        "type = \"command\"\ncommand = [\"/bin/true\"]\nservices = [\"web\"]\ninstances = [\"VI\"]",
        "5:13 no service is named \"web\" | there is no [[service]] block in the file
6:14 no VRRP instance is named \"VI\" | there is no [[vrrp]] block in the file",
    ),
    (
        "type = \"command\"\ncommand = [\"/bin/true\"]\nurl = \"http://x/\"",
        "5:1 unknown key `url` in [[notify]] | it is for the type webhook",
    ),
    (
        "type = \"command\"\ncommand = \"/bin/true\"",
        "4:11 `command` must be an array, not a string | write the program and its arguments, which no shell reads, as strings: [\"/usr/local/bin/check\", \"eth0\"]",
    ),
    // Mail.
    (
        "type = \"mail\"",
        "1:1 `server` is missing in [[notify]] | add `server = …`
1:1 `to` is missing in [[notify]] | add `to = …`",
    ),
    (
        "type = \"mail\"\nto = [\"ops\"]\nserver = \"mail:587:1\"",
        "4:7 an element of `to` is not a mail address: \"ops\" | write it like \"ops@example.org\" or \"Ops <ops@example.org>\"
5:10 `server` is not a host with a port: \"mail:587:1\" | write it like \"mail.example.org:587\" or \"[2001:db8::25]:25\"",
    ),
    (
        "type = \"mail\"\nto = \"ops@example.org\"\nserver = \"mail\"\nusername = \"u\"\nhello = \"me\"",
        "6:12 `username` without a password | add `password_file = …` or `password = …`",
    ),
    (
        "type = \"mail\"\nto = \"ops@example.org\"\nserver = \"mail\"\nusername = \"u\"\npassword = \"p\"\npassword_file = \"/etc/p\"",
        "7:12 both `password` and `password_file` are given | remove one of them",
    ),
    (
        "type = \"mail\"\nto = \"ops@example.org\"\nserver = \"mail\"\nca = \"/ca.pem\"\nverify = false",
        "6:6 `ca` says what to verify by, but `verify` is false | remove one of them",
    ),
    (
        "type = \"mail\"\nto = \"ops@example.org\"\nserver = \"mail\"\nsubject = \"{router} {text}\"",
        "6:11 `subject` has an unknown placeholder {router} | there are {router_id}, {target}, {id}, {count}, {text}, {events}, {kind}, {level}, {at}, {instance}, {service}, {server}, {state}, {from} or {dropped}",
    ),
    (
        "type = \"mail\"\nto = \"ops@example.org\"\nserver = \"mail\"\nbody = \"{txt}\"",
        "6:8 `body` has an unknown placeholder {txt} | did you mean {text}? There are {router_id}, {target}, {id}, {count}, {text}, {events}, {kind}, {level}, {at}, {instance}, {service}, {server}, {state}, {from} or {dropped}",
    ),
    // Webhooks.
    (
        "type = \"webhook\"\nurl = \"ftp://example.org/\"",
        "4:7 `url` is not a URL of http or https | write it like \"https://hooks.example.org/lvx\"",
    ),
    (
        "type = \"webhook\"\nurl = \"https://me:word@example.org/\"",
        "4:7 `url` has a user in it | write `headers = { Authorization = \"Basic …\" }`",
    ),
    (
        "type = \"webhook\"\nurl = \"http://example.org/\"\nverify = false",
        "5:1 unknown key `verify` in [[notify]] | it is for mail, and for webhooks whose URL is https",
    ),
    (
        "type = \"webhook\"\nurl = \"http://example.org/\"\nheaders = { Host = \"x\", X-Lvx-Id = \"y\", \"a b\" = \"z\", X = 1 }",
        "5:13 the header \"Host\" is lvx's own | remove it
5:25 the header \"X-Lvx-Id\" is lvx's own | remove it
5:41 \"a b\" is not the name of a header | it has letters, digits and dashes
5:54 the header \"X\" must be a string without control characters | write it like { Authorization = \"Bearer …\" }",
    ),
];
