//! One table of the file, whose keys are taken out by name until none may be left.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

pub(super) use super::kind::Kind;
use super::report::{Problem, Report, Span};
use super::{elsewhere, suggest, unimplemented};

/// What a key of a block is set to.
#[derive(Clone, Copy)]
pub(super) struct Value<'a> {
    pub(super) kind: Kind,
    pub(super) key: &'static str,
    /// One of the elements of an array that the key is set to.
    pub(super) element: bool,
    pub(super) node: &'a Spanned<DeValue<'a>>,
}

impl<'a> Value<'a> {
    pub(super) fn span(&self) -> Span {
        self.node.span()
    }

    pub(super) fn toml(&self) -> &'a DeValue<'a> {
        self.node.get_ref()
    }

    /// What messages call it.
    pub(super) fn subject(&self) -> String {
        let element = if self.element { "an element of " } else { "" };
        format!("{element}`{}`", self.key)
    }

    /// Reports that it is not what `expected` (with its article) says.
    pub(super) fn wrong_type<'r>(
        &self,
        report: &'r mut Report<'_>,
        expected: &str,
    ) -> &'r mut Problem {
        let found = self.toml().type_str();
        let article = if found.starts_with(['a', 'i']) {
            "an"
        } else {
            "a"
        };
        let subject = self.subject();
        report.error(
            &self.span(),
            format!("{subject} must be {expected}, not {article} {found}"),
        )
    }
}

pub(super) struct Block<'a> {
    kind: Kind,
    /// Its header, or the whole inline table.
    pub(super) span: Span,
    /// `None`: absent, so that every key has its default.
    table: Option<&'a DeTable<'a>>,
    /// Keys that were asked for: those that a block of this kind can have.
    known: Vec<&'static str>,
}

impl<'a> Block<'a> {
    pub(super) fn new(kind: Kind, span: Span, table: Option<&'a DeTable<'a>>) -> Self {
        Self {
            kind,
            span,
            table,
            known: Vec::new(),
        }
    }

    /// `None`: absent.
    pub(super) fn take(&mut self, key: &'static str) -> Option<Value<'a>> {
        self.known.push(key);
        self.peek(key)
    }

    /// The same for a key of which it is not known yet whether the block can have it.
    pub(super) fn peek(&self, key: &'static str) -> Option<Value<'a>> {
        let node = self.table?.get(key)?;
        Some(Value {
            kind: self.kind,
            key,
            element: false,
            node,
        })
    }

    /// `None`: absent or wrong, and reported.
    pub(super) fn required<T>(
        &mut self,
        report: &mut Report<'_>,
        key: &'static str,
        read: impl Fn(&mut Report<'_>, Value<'a>) -> Option<T>,
    ) -> Option<T> {
        let Some(value) = self.take(key) else {
            let message = format!("`{key}` is missing in {}", self.kind.name());
            report.absent(&self.span, message, format!("add `{key} = …`"));
            return None;
        };
        read(report, value)
    }

    /// `Some(None)`: absent; `None`: wrong, and reported.
    pub(super) fn optional<T>(
        &mut self,
        report: &mut Report<'_>,
        key: &'static str,
        read: impl Fn(&mut Report<'_>, Value<'a>) -> Option<T>,
    ) -> Option<Option<T>> {
        match self.take(key) {
            Some(value) => read(report, value).map(Some),
            None => Some(None),
        }
    }

    /// `None`: wrong, and reported.
    pub(super) fn default<T>(
        &mut self,
        report: &mut Report<'_>,
        key: &'static str,
        default: T,
        read: impl Fn(&mut Report<'_>, Value<'a>) -> Option<T>,
    ) -> Option<T> {
        self.optional(report, key, read)
            .map(|value| value.unwrap_or(default))
    }

    /// The table that `key` is set to, if any.
    pub(super) fn block(
        &mut self,
        report: &mut Report<'_>,
        key: &'static str,
        kind: Kind,
    ) -> Option<Self> {
        let value = self.take(key)?;
        let table = value.toml().as_table();
        if table.is_none() {
            value.wrong_type(report, "a table");
        }
        Some(Self::new(kind, value.span(), Some(table?)))
    }

    /// The tables of an array of tables; none if `key` is absent.
    pub(super) fn blocks(
        &mut self,
        report: &mut Report<'_>,
        key: &'static str,
        kind: Kind,
    ) -> Vec<Self> {
        let Some(value) = self.take(key) else {
            return Vec::new();
        };
        if let Some(table) = value.toml().as_table() {
            let header = kind.name();
            report
                .error(&value.span(), format!("`{key}` must be an array of tables"))
                .hint(format!("write {header}, with two brackets"));
            return vec![Self::new(kind, value.span(), Some(table))];
        }
        Self::elements(report, value, kind)
    }

    /// The tables of an array of tables, or the one table; none if `key` is absent.
    pub(super) fn blocks_or_one(
        &mut self,
        report: &mut Report<'_>,
        key: &'static str,
        kind: Kind,
    ) -> Vec<Self> {
        let Some(value) = self.take(key) else {
            return Vec::new();
        };
        match value.toml().as_table() {
            Some(table) => vec![Self::new(kind, value.span(), Some(table))],
            None => Self::elements(report, value, kind),
        }
    }

    fn elements(report: &mut Report<'_>, value: Value<'a>, kind: Kind) -> Vec<Self> {
        let Some(array) = value.toml().as_array() else {
            value.wrong_type(report, "an array of tables");
            return Vec::new();
        };
        let mut blocks = Vec::new();
        for node in array {
            let element = Value {
                element: true,
                node,
                ..value
            };
            match node.get_ref().as_table() {
                Some(table) => blocks.push(Self::new(kind, node.span(), Some(table))),
                None => {
                    element.wrong_type(report, "a table");
                }
            }
        }
        blocks
    }

    /// Reports the keys that nobody asked for. `outer` is the block around this one, whose keys
    /// must stand before this one's header.
    pub(super) fn finish(&self, report: &mut Report<'_>, outer: Option<&Self>) {
        let Some(table) = self.table else { return };
        for key in table.keys() {
            let (word, span) = (key.get_ref().as_ref(), key.span());
            if !self.known.contains(&word) {
                self.stray(report, word, &span, outer);
            }
        }
    }

    fn stray(&self, report: &mut Report<'_>, word: &str, span: &Span, outer: Option<&Self>) {
        let key = word.escape_debug();
        let belongs = outer
            .filter(|outer| outer.known.contains(&word))
            .map(|outer| (outer.kind.name(), self.kind.name()))
            .map(|(outer, here)| format!("it is a key of {outer}: move it above {here}"));
        if unimplemented::key(self.kind, word) {
            report
                .error(span, unimplemented::message(&format!("`{key}`")))
                .hint(belongs.unwrap_or_else(|| "remove it".to_owned()));
            return;
        }
        let place = self.kind.place();
        let closest = suggest::closest(word, self.known.iter().copied());
        let hint = belongs
            .or_else(|| elsewhere::hint(self.kind, word).map(str::to_owned))
            .or_else(|| closest.map(|close| format!("did you mean `{close}`?")))
            .unwrap_or_else(|| format!("the keys here are {}", self.known.join(", ")));
        report
            .error(span, format!("unknown key `{key}` {place}"))
            .hint(hint);
    }
}
