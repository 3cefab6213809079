//! What people read, compared with the files in `golden/`.
//!
//! `AEROSTACK_UPDATE_GOLDEN=1` writes the files anew; the difference is then reviewed like code.

use std::path::PathBuf;

/// Any value writes the files anew.
pub const UPDATE_VARIABLE: &str = "AEROSTACK_UPDATE_GOLDEN";
/// Characters of the chance part of a token.
const SECRET_LEN: usize = 48;
/// Characters of an identifier behind its prefix.
const ID_LEN: usize = 26;
const ID_PREFIXES: [&str; 10] =
    ["tok_", "ws_", "req_", "acc_", "key_", "srv_", "ins_", "aud_", "skl_", "skv_"];

/// Compares a text with `golden/<name>.txt`, after [`normal`].
///
/// # Panics
/// When they differ.
pub fn assert_golden(name: &str, text: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden").join(format!("{name}.txt"));
    let text = normal(text);
    if std::env::var_os(UPDATE_VARIABLE).is_some() {
        std::fs::write(&path, &text).expect("the golden file can be written");
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, expected, "{} differs; {UPDATE_VARIABLE}=1 writes it anew", path.display());
}

/// The text with everything that chance, time and ports decide replaced.
#[must_use]
pub fn normal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let at_word = !out.ends_with(|last: char| last.is_ascii_alphanumeric() || last == '_');
        let found = if at_word { chance(rest) } else { None };
        let (length, replacement) = found.unwrap_or((first.len_utf8(), String::new()));
        if replacement.is_empty() {
            out.push(first);
        } else {
            out.push_str(&replacement);
        }
        rest = &rest[length..];
    }
    out
}

/// What stands at the beginning of the text and is decided by chance: its length and its replacement.
fn chance(text: &str) -> Option<(usize, String)> {
    credential(text).or_else(|| identifier(text)).or_else(|| address(text)).or_else(|| moment(text))
}

fn credential(text: &str) -> Option<(usize, String)> {
    if !text.starts_with("mwt_") && !text.starts_with("ak_") {
        return None;
    }
    let length = run(text, |byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    let label = text[..length].len().checked_sub(SECRET_LEN)?;
    Some((length, format!("{}<secret>", &text[..label])))
}

fn identifier(text: &str) -> Option<(usize, String)> {
    let prefix = ID_PREFIXES.into_iter().find(|prefix| text.starts_with(prefix))?;
    let length = run(&text[prefix.len()..], |byte| byte.is_ascii_alphanumeric());
    (length == ID_LEN).then(|| (prefix.len() + length, format!("{prefix}<id>")))
}

fn address(text: &str) -> Option<(usize, String)> {
    let port = text.strip_prefix("127.0.0.1:")?;
    let digits = run(port, |byte| byte.is_ascii_digit());
    Some((text.len() - port.len() + digits, "<gateway>".to_owned()))
}

/// `2026-03-17`, `2026-03-17 11:15 UTC`, `2026-03-17T11:15:00.123Z`.
fn moment(text: &str) -> Option<(usize, String)> {
    let shape = |pattern: &str| {
        let fits = text.len() >= pattern.len()
            && pattern.bytes().zip(text.bytes()).all(|(wanted, byte)| match wanted {
                b'0' => byte.is_ascii_digit(),
                wanted => wanted == byte,
            });
        fits.then_some(pattern.len())
    };
    if let Some(length) = shape("0000-00-00T00:00:00") {
        let rest = run(&text[length..], |byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'Z'));
        return Some((length + rest, "<moment>".to_owned()));
    }
    if let Some(length) = shape("0000-00-00 00:00 UTC") {
        return Some((length, "<minute>".to_owned()));
    }
    shape("0000-00-00").map(|length| (length, "<date>".to_owned()))
}

fn run(text: &str, belongs: impl Fn(u8) -> bool) -> usize {
    text.bytes().take_while(|&byte| belongs(byte)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_time_and_ports_are_replaced_and_nothing_else() {
        let secret = "0123456789abcdef".repeat(3);
        let text = format!("mwt_alice_new_{secret} mwt_{secret} tok_{} at 127.0.0.1:4711/ws", "a".repeat(26));
        assert_eq!(normal(&text), "mwt_alice_new_<secret> mwt_<secret> tok_<id> at <gateway>/ws");
        let text = "2026-03-17 2026-03-17 11:15 UTC 2026-03-17T11:15:00.123Z mwt_xyz 1.2.3";
        assert_eq!(normal(text), "<date> <minute> <moment> mwt_xyz 1.2.3");
    }
}
