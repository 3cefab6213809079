//! What is JSON and what is not, how deep, and where members stand.

use super::*;
use proptest::prelude::*;

/// Reads a whole text as one value.
fn pass(text: &str, depth_max: usize) -> Result<&str, Unfit> {
    let mut scanner = Scanner::new(text, depth_max);
    let value = scanner.value()?;
    scanner.end().map(|()| value)
}

#[test]
fn what_is_json_is_passed_over_and_what_is_not_is_refused() {
    for text in [
        "0",
        "-0.50e+7",
        "12E-3",
        "true",
        "null",
        "\"\"",
        "\"\\u00e9\\n\\/\"",
        "[]",
        "{}",
        "[[],{}]",
        "[ 1 , \"a\" ]",
        "{ \"a\" : { \"b\" : [ ] } , \"c\" : 1 }",
        "\"\u{7f}é\"",
    ] {
        assert_eq!(pass(text, 9), Ok(text));
        assert_eq!(pass(&format!(" {text}\n"), 9), Ok(text));
    }
    for text in [
        "",
        "01",
        "-",
        "1.",
        ".5",
        "1e",
        "+1",
        "tru",
        "nul",
        "True",
        "\"",
        "\"\u{1}\"",
        "\"\\x\"",
        "\"\\u12g4\"",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{\"a\"}",
        "{\"a\":}",
        "{a:1}",
        "{\"a\":1,}",
        "[1}",
        "{]",
        "{\"a\":1]",
        "[",
        "{\"a\":[1}",
        "1 2",
        "\u{feff}1",
        "[1]]",
    ] {
        assert_eq!(pass(text, 9), Err(Unfit::NotJson), "{text}");
    }
}

#[test]
fn depth_counts_what_is_opened_and_what_is_passed_over() {
    assert_eq!(pass("[[{\"a\":[]}]]", 4), Ok("[[{\"a\":[]}]]"));
    assert_eq!(pass("[[{\"a\":[]}]]", 3), Err(Unfit::TooDeep));
    assert_eq!(pass("[\"[[[[\",[]]", 2), Ok("[\"[[[[\",[]]"));
    let mut scanner = Scanner::new("{\"a\":[[]]}", 2);
    let mut object = scanner.open_object().unwrap();
    assert_eq!(scanner.next_key(&mut object).unwrap().as_deref(), Some("a"));
    assert_eq!(scanner.value(), Err(Unfit::TooDeep));
}

#[test]
fn members_come_in_their_order_with_their_keys_read() {
    let mut scanner = Scanner::new("{ \"a\" :1,\"\\u0062\": {\"c\":[2 ]} }", 9);
    let mut object = scanner.open_object().unwrap();
    let mut members = Vec::new();
    while let Some(key) = scanner.next_key(&mut object).unwrap() {
        members.push((key.into_owned(), scanner.value().unwrap()));
    }
    scanner.end().unwrap();
    assert_eq!(members, [("a".to_owned(), "1"), ("b".to_owned(), "{\"c\":[2 ]}")]);
    let mut scanner = Scanner::new("{\"\\ud800\":1}", 9);
    let mut object = scanner.open_object().unwrap();
    assert_eq!(scanner.next_key(&mut object), Err(Unfit::NotJson));
}

proptest! {
    #[test]
    fn it_takes_what_serde_json_takes(text in r#"[\[\]{}",:\\a-c0-3.eE+\- \n]{0,24}"#) {
        let read = serde_json::from_str::<&serde_json::value::RawValue>(&text);
        prop_assert_eq!(pass(&text, usize::MAX).ok(), read.ok().map(serde_json::value::RawValue::get));
    }

    #[test]
    fn long_strings_end_where_they_end(before in "[ -!#-\\[\\]-~é]{0,120}", escaped in "[\"\\\\/bfnrt]") {
        let text = format!("\"{before}\\{escaped}{before}\"");
        prop_assert_eq!(pass(&text, 1), Ok(text.as_str()));
        let broken = format!("\"{before}\u{1}{before}\"");
        prop_assert_eq!(pass(&broken, 1), Err(Unfit::NotJson));
    }
}
