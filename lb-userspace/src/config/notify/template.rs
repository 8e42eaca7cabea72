//! Texts with placeholders, such as `{router_id}: {text}`. PURE.

/// What a placeholder stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    RouterId,
    Target,
    Id,
    Count,
    Text,
    Events,
    Kind,
    Level,
    At,
    Instance,
    Service,
    Server,
    State,
    From,
    Dropped,
}

impl Field {
    pub const NAMES: &[(&'static str, Self)] = &[
        ("router_id", Self::RouterId),
        ("target", Self::Target),
        ("id", Self::Id),
        ("count", Self::Count),
        ("text", Self::Text),
        ("events", Self::Events),
        ("kind", Self::Kind),
        ("level", Self::Level),
        ("at", Self::At),
        ("instance", Self::Instance),
        ("service", Self::Service),
        ("server", Self::Server),
        ("state", Self::State),
        ("from", Self::From),
        ("dropped", Self::Dropped),
    ];
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Field(Field),
}

/// What is wrong with a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum TemplateError {
    #[error("has an unknown placeholder {{{0}}}")]
    Unknown(String),
    #[error("has a brace that nothing closes")]
    Open,
    #[error("has a closing brace too many")]
    Closed,
}

/// A text with placeholders; `{{` and `}}` stand for braces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

impl Template {
    pub(super) fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            plain.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            let behind = &rest[at + 1..];
            if let Some(after) = behind.strip_prefix(brace) {
                plain.push_str(brace);
                rest = after;
                continue;
            }
            if brace == "}" {
                return Err(TemplateError::Closed);
            }
            let (name, after) = behind.split_once('}').ok_or(TemplateError::Open)?;
            let known = Field::NAMES.iter().find(|(known, _)| *known == name);
            let Some((_, field)) = known else {
                return Err(TemplateError::Unknown(name.to_owned()));
            };
            pieces.push(Piece::Text(std::mem::take(&mut plain)));
            pieces.push(Piece::Field(*field));
            rest = after;
        }
        plain.push_str(rest);
        pieces.push(Piece::Text(plain));
        Ok(Self(pieces))
    }

    /// The text, with the placeholders replaced once: what comes in is not looked at again.
    #[must_use]
    pub fn fill(&self, value: impl Fn(Field) -> String) -> String {
        let pieces = self.0.iter();
        pieces
            .map(|piece| match piece {
                Piece::Text(text) => text.clone(),
                Piece::Field(field) => value(*field),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_replaced_once() {
        for (template, filled) in [
            ("", ""),
            ("plain", "plain"),
            ("{router_id}: {text}!", "<RouterId>: <Text>!"),
            ("{{\"n\": {count}}}", "{\"n\": <Count>}"),
            ("{{}}", "{}"),
            ("ä{state}ö", "ä<State>ö"),
        ] {
            let template = Template::parse(template).unwrap();
            assert_eq!(template.fill(|field| format!("<{field:?}>")), filled);
        }
        let template = Template::parse("{text}").unwrap();
        assert_eq!(template.fill(|_| "{count}".to_owned()), "{count}");
    }

    #[test]
    fn what_is_no_placeholder_is_refused() {
        for (template, error) in [
            ("{text", TemplateError::Open),
            ("{", TemplateError::Open),
            ("text}", TemplateError::Closed),
            ("{colour}", TemplateError::Unknown("colour".to_owned())),
            ("{}", TemplateError::Unknown(String::new())),
        ] {
            assert_eq!(Template::parse(template), Err(error), "{template}");
        }
    }
}
