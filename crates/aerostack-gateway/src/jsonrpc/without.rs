//! Taking members out of an object's text and leaving every other byte as it is.

use super::Object;

/// The text of an object without these members. One whose key is written with escapes stays.
#[must_use]
pub fn without(object: &str, keys: &[&str]) -> String {
    let mut text = object.to_owned();
    // One after the other: each changes where the commas of the next stand.
    for key in keys {
        if let Some(shorter) = without_one(&text, key) {
            text = shorter;
        }
    }
    text
}

fn without_one(text: &str, key: &str) -> Option<String> {
    let object = Object::parse(text)?;
    let raw = object.raw(key)?;
    let value = raw.as_ptr() as usize - text.as_ptr() as usize;
    let before = text.get(..value)?.trim_end().strip_suffix(':')?.trim_end();
    let before = before.strip_suffix(&format!("\"{key}\""))?;
    let after = text.get(value + raw.len()..)?;
    if let Some(rest) = after.trim_start().strip_prefix(',') {
        return Some(format!("{before}{rest}"));
    }
    // The last one goes with the comma before it, if there is any.
    let kept = before.trim_end();
    Some(format!("{}{after}", kept.strip_suffix(',').unwrap_or(kept)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn members_go_with_one_comma_each_and_all_else_stays() {
        for (text, expected) in [
            (r#"{"a":1, "x" : 2 ,"b":2.50}"#, r#"{"a":1, "b":2.50}"#),
            (r#"{"x":{"x":1},"b":{"x":1}}"#, r#"{"b":{"x":1}}"#),
            (r#"{"b":1 , "x":2 }"#, r#"{"b":1  }"#),
            (r#"{"y":0,"b":1,"x":2}"#, r#"{"b":1}"#),
            (r#"{"b":1,"y":0,"x":2}"#, r#"{"b":1}"#),
            (r#"{"x":1,"y":2}"#, "{}"),
            (r#"{ "x":1}"#, "{}"),
            (r#"{"\u0078":1}"#, r#"{"\u0078":1}"#),
            ("{}", "{}"),
            ("[1]", "[1]"),
        ] {
            assert_eq!(without(text, &["x", "y"]), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_left_is_the_object_without_them(keys in proptest::collection::btree_set("[a-dxy]", 0..6), value in ".{0,10}") {
            let mut object = serde_json::Map::new();
            for key in &keys {
                object.insert(key.clone(), serde_json::json!({ "x": value }));
            }
            let text = serde_json::Value::Object(object.clone()).to_string();
            object.retain(|key, _| key != "x" && key != "y");
            prop_assert_eq!(without(&text, &["x", "y"]), serde_json::Value::Object(object).to_string());
        }
    }
}
