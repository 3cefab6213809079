//! How deep a text is nested, seen before anything is read: what reads it calls itself for each level.

use memchr::memchr2;

/// Looks at brackets outside strings only; whether it is JSON is decided elsewhere.
pub(super) fn is_within(body: &[u8], depth_max: usize) -> bool {
    let (mut depth, mut rest) = (0usize, body);
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'"' => rest = after_string(after),
            b'{' | b'[' => {
                depth += 1;
                if depth > depth_max {
                    return false;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    true
}

/// What follows the string whose inside this is.
fn after_string(inside: &[u8]) -> &[u8] {
    let mut rest = inside;
    while let Some(at) = memchr2(b'"', b'\\', rest) {
        if rest[at] == b'"' {
            return &rest[at + 1..];
        }
        rest = rest.get(at + 2..).unwrap_or_default();
    }
    &[]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_count_outside_strings_alone() {
        for (text, depth) in [
            ("[[]]", 2),
            (r#"{"a[[[":["]]]"]}"#, 2),
            (r#"["\\",["\"[[["]]"#, 2),
            (r#"["\"#, 1),
            ("\"[[[", 0),
            ("]]][", 1),
        ] {
            assert!(is_within(text.as_bytes(), depth), "{text}");
            assert!(depth == 0 || !is_within(text.as_bytes(), depth - 1), "{text}");
        }
    }
}
