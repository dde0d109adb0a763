//! Texts and patterns of a policy document.

use serde_json::Value;

/// Returns one or many texts; booleans and numbers as text.
pub(crate) fn texts(value: &Value) -> Vec<String> {
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    match value {
        Value::Array(items) => items.iter().map(text).collect(),
        other => vec![text(other)],
    }
}

/// Matches a pattern, in which `*` is any text and `?` any character. The time is proportional to
/// both lengths.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    // Most texts differ at the beginning.
    if let Some(first) = pattern
        .chars()
        .next()
        .filter(|first| !matches!(first, '*' | '?'))
        && !text.starts_with(first)
    {
        return false;
    }
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => (p, t) = (p + 1, t + 1),
            _ => {
                let Some((at, from)) = star else { return false };
                (p, t, star) = (at + 1, from + 1, Some((at, from + 1)));
            }
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pattern_of_any_length_is_matched_in_time() {
        let long = "a".repeat(20_000);
        assert!(!matches(&format!("{}b", "a*".repeat(500)), &long));
        assert!(matches("*a?*", "xxab"));
        assert!(!matches("a?", "a"));
        assert!(matches("", ""));
        assert!(!matches("", "a"));
    }

    #[test]
    fn one_or_many() {
        assert_eq!(texts(&json!("a")), ["a"]);
        assert_eq!(texts(&json!(["a", true, 1.2])), ["a", "true", "1.2"]);
    }
}
