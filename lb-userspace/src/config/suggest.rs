//! "Did you mean …?" for misspelt keys, values and names.

/// The candidate closest to `word`, if it is close enough to be what was meant.
pub(super) fn closest<'c>(
    word: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<&'c str> {
    // Nothing of that length is a misspelling, and the distance costs the product of lengths.
    const LONGEST: usize = 64;
    if word.len() > LONGEST {
        return None;
    }
    let word: Vec<char> = plain(word);
    candidates
        .into_iter()
        .map(|candidate| (distance(&word, &plain(candidate)), candidate))
        .filter(|(distance, _)| *distance <= (word.len() / 3).max(1))
        .filter(|(distance, candidate)| *distance < candidate.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// A hint about a reference to `word`, which none of the `names` is. `header` opens the blocks
/// that have them, which messages call `noun`.
pub(super) fn among<'c>(
    word: &str,
    names: impl Iterator<Item = &'c str> + Clone,
    noun: &str,
    header: &str,
) -> String {
    let list: Vec<_> = names.clone().map(|name| format!("{name:?}")).collect();
    match (closest(word, names), list.as_slice()) {
        (Some(close), _) => format!("did you mean {close:?}?"),
        (None, []) => format!("there is no {header} block in the file"),
        (None, list) => format!("the {noun}s are {}", list.join(", ")),
    }
}

/// Case and the kind of dash are not what makes two words different.
fn plain(word: &str) -> Vec<char> {
    let fold = |c: char| if c == '-' { '_' } else { c };
    word.chars().map(|c| fold(c.to_ascii_lowercase())).collect()
}

/// Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`
/// (optimal string alignment).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(before[j - 2] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        let d = |a: &str, b: &str| distance(&plain(a), &plain(b));
        assert_eq!(d("", ""), 0);
        assert_eq!(d("", "abc"), 3);
        assert_eq!(d("weight", "wieght"), 1);
        assert_eq!(d("kitten", "sitting"), 3);
        assert_eq!(d("Real-Server", "real_server"), 0);
    }

    #[test]
    fn only_what_is_close_is_suggested() {
        let keys = ["priority", "preempt", "name"];
        assert_eq!(closest("priorty", keys), Some("priority"));
        assert_eq!(closest("nmae", keys), Some("name"));
        assert_eq!(closest("colour", keys), None);
        assert_eq!(closest("x", ["mh", "y"]), None);
        assert_eq!(closest(&"a".repeat(1000), keys), None);
    }
}
