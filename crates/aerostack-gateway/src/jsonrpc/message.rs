//! A message of a client: `jsonrpc`, `id` as raw text, `method`, and the fields of `params` and
//! `params._meta`, each value still raw.
//!
//! Duplicate keys are refused at the levels that are read: two readers could choose different ones. Ids
//! and the number of fields are bounded there: the one is repeated in whatever is said about a request,
//! the other takes many times its text in memory.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::depth;

/// Longest raw id, in bytes.
pub const ID_MAX_BYTES: usize = 1_024;
/// Most fields of an object that is read.
pub const FIELDS_MAX: usize = 1_024;
/// What JSON allows around a value.
const BLANKS: [char; 4] = [' ', '\t', '\n', '\r'];
/// Most messages of a batch that are told apart: more than any setting allows.
const ITEMS_MAX: usize = 1_024;

/// Not a message. The code is JSON-RPC's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    /// -32700 or -32600.
    pub code: i32,
    /// What is wrong, without the sender's text.
    pub message: &'static str,
    /// The raw id, where it could be read.
    pub id: Option<String>,
}

impl Fault {
    const fn not_json() -> Self {
        Self { code: -32700, message: "Parse error: the body is not JSON", id: None }
    }

    const fn not_a_request(message: &'static str) -> Self {
        Self { code: -32600, message, id: None }
    }
}

/// One message from a client.
#[derive(Clone, Debug)]
pub enum Message<'a> {
    /// A request or, without id, a notification.
    Request(Request<'a>),
    /// The answer to a request of ours, by its raw id.
    Response {
        /// The raw id, a part of the text.
        id: &'a str,
        /// The whole text.
        text: &'a str,
    },
}

/// A request or notification.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The whole text.
    pub text: &'a str,
    /// The raw id: a string or a number. `None` is a notification.
    pub id: Option<&'a str>,
    /// The method.
    pub method: Cow<'a, str>,
    /// The parameters, if they are an object.
    pub params: Option<Object<'a>>,
}

/// A JSON object whose keys are read and whose values are raw, in the order they stand.
#[derive(Clone, Debug)]
pub struct Object<'a> {
    /// Its whole text, braces included; a part of the message's text.
    pub text: &'a str,
    fields: Vec<(Cow<'a, str>, &'a RawValue)>,
}

impl<'a> Object<'a> {
    /// Reads a text that is an object without a key twice; `None` if it is anything else.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let raw: &RawValue = serde_json::from_str(text).ok()?;
        Self::read(raw.get())?.ok()
    }

    /// Reads a text without blanks around it; `None` if it begins no object.
    fn read(text: &'a str) -> Option<Result<Self, Fault>> {
        if !text.starts_with('{') {
            return None;
        }
        let Fields(fields) = match serde_json::from_str(text) {
            Ok(fields) => fields,
            Err(_) => return Some(Err(Fault::not_json())),
        };
        if fields.len() > FIELDS_MAX {
            return Some(Err(Fault::not_a_request("Invalid request: too many fields")));
        }
        let mut keys: Vec<&str> = fields.iter().map(|(key, _)| key.as_ref()).collect();
        keys.sort_unstable();
        if keys.windows(2).any(|pair| pair[0] == pair[1]) {
            return Some(Err(Fault::not_a_request("Invalid request: a key appears twice")));
        }
        Some(Ok(Self { text, fields }))
    }

    /// The raw text of a field's value.
    #[must_use]
    pub fn raw(&self, key: &str) -> Option<&'a str> {
        self.fields.iter().find(|(name, _)| name == key).map(|(_, raw)| raw.get())
    }

    /// A field's value, if it is a string.
    #[must_use]
    pub fn string(&self, key: &str) -> Option<Cow<'a, str>> {
        let Text(text) = serde_json::from_str(self.raw(key)?).ok()?;
        Some(text)
    }

    /// A field's value, if it is an object.
    ///
    /// # Errors
    /// [`Fault`] when the object has a key twice.
    pub fn object(&self, key: &str) -> Result<Option<Self>, Fault> {
        self.raw(key).and_then(Self::read).transpose()
    }

    /// Its keys and the raw texts of their values, in the order they stand.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &'a str)> {
        self.fields.iter().map(|(key, raw)| (key.as_ref(), raw.get()))
    }

    /// Tells whether it has no fields.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }
}

impl<'a> Request<'a> {
    /// `params._meta`.
    ///
    /// # Errors
    /// [`Fault`] when it has a key twice.
    pub fn meta(&self) -> Result<Option<Object<'a>>, Fault> {
        let meta = self.params.as_ref().map_or(Ok(None), |params| params.object("_meta"));
        meta.map_err(|fault| Fault { id: self.id.map(str::to_owned), ..fault })
    }
}

/// Reads the body of a POST: one message, or a batch.
///
/// # Errors
/// [`Fault`] when it is not JSON, nested deeper than `depth_max`, or not a message.
pub fn read(body: &[u8], depth_max: usize) -> Result<Body<'_>, Fault> {
    if !depth::is_within(body, depth_max) {
        return Err(Fault::not_a_request("Invalid request: nested too deeply"));
    }
    let text = std::str::from_utf8(body).map_err(|_| Fault::not_json())?.trim_matches(BLANKS);
    match text.bytes().next() {
        // Reading its fields shows whether it is JSON: it is looked at once.
        Some(b'{') => Ok(Body::Single(read_text(text)?)),
        Some(b'[') => {
            let Items(items) = serde_json::from_str(text).map_err(|_| Fault::not_json())?;
            Ok(Body::Batch(items))
        }
        _ => {
            let raw: &RawValue = serde_json::from_str(text).map_err(|_| Fault::not_json())?;
            Ok(Body::Single(read_message(raw)?))
        }
    }
}

/// The body of a POST.
#[derive(Clone, Debug)]
pub enum Body<'a> {
    /// One message.
    Single(Message<'a>),
    /// Several, each to be read with [`read_message`]; where there are far too many, only the first.
    Batch(Vec<&'a RawValue>),
}

/// Reads one message.
///
/// # Errors
/// [`Fault`] when it is not one.
pub fn read_message(raw: &RawValue) -> Result<Message<'_>, Fault> {
    read_text(raw.get())
}

fn read_text(text: &str) -> Result<Message<'_>, Fault> {
    let object = Object::read(text).ok_or(Fault::not_a_request("Invalid request: not an object"))??;
    let id = match object.raw("id") {
        None => None,
        Some(id) if id.len() > ID_MAX_BYTES => {
            return Err(Fault::not_a_request("Invalid request: the id is too long"));
        }
        Some(id) if is_id(id) => Some(id),
        Some(_) => {
            return Err(Fault::not_a_request("Invalid request: id must be a string or a number"));
        }
    };
    let fault = |message| Fault { id: id.map(str::to_owned), ..Fault::not_a_request(message) };
    if object.string("jsonrpc").as_deref() != Some("2.0") {
        return Err(fault("Invalid request: jsonrpc must be \"2.0\""));
    }
    let Some(method) = object.raw("method") else {
        let answers = object.raw("result").is_some() || object.raw("error").is_some();
        return match id {
            Some(id) if answers => Ok(Message::Response { id, text: object.text }),
            _ => Err(fault("Invalid request: no method")),
        };
    };
    let Ok(Text(method)) = serde_json::from_str(method) else {
        return Err(fault("Invalid request: method must be a string"));
    };
    let params = match object.raw("params") {
        None => None,
        Some(text) if text.starts_with('{') => {
            object.object("params").map_err(|inner| fault(inner.message))?
        }
        Some(_) => return Err(fault("Invalid request: params must be an object")),
    };
    Ok(Message::Request(Request { text: object.text, id, method, params }))
}

/// JSON-RPC ids are strings and numbers; MCP leaves out null.
fn is_id(raw: &str) -> bool {
    raw.starts_with(['"', '-']) || raw.starts_with(|first: char| first.is_ascii_digit())
}

/// A string that borrows where it has no escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The fields of an object in order; one more than allowed stands for any number.
struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                let mut fields = Vec::with_capacity(4);
                while let Some((Text(key), value)) = map.next_entry::<Text<'de>, &'de RawValue>()? {
                    if fields.len() <= FIELDS_MAX {
                        fields.push((key, value));
                    }
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

/// The values of an array in order, as far as [`ITEMS_MAX`].
struct Items<'a>(Vec<&'a RawValue>);

impl<'de> Deserialize<'de> for Items<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Items<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Items<'de>, A::Error> {
                let mut items = Vec::with_capacity(4);
                while let Some(item) = seq.next_element::<&'de RawValue>()? {
                    if items.len() < ITEMS_MAX {
                        items.push(item);
                    }
                }
                Ok(Items(items))
            }
        }
        deserializer.deserialize_seq(Collect)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fault(text: &str) -> (i32, Option<String>) {
        match read(text.as_bytes(), 128) {
            Err(fault) => (fault.code, fault.id),
            Ok(body) => panic!("{body:?}"),
        }
    }

    #[test]
    fn ids_and_the_number_of_fields_are_bounded() {
        let ping = |id: &str, fields: usize| {
            let fields: String = (0..fields).map(|number| format!(r#","{number}":0"#)).collect();
            format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"{fields}}}"#)
        };
        let id = |len: usize| format!("\"{}\"", "x".repeat(len - 2));
        assert!(read(ping(&id(ID_MAX_BYTES), FIELDS_MAX - 3).as_bytes(), 128).is_ok());
        assert_eq!(fault(&ping(&id(ID_MAX_BYTES + 1), 0)), (-32600, None));
        assert_eq!(fault(&ping("1", FIELDS_MAX - 2)), (-32600, None));
        let many = format!("[{}0]", "0,".repeat(100_000));
        let Ok(Body::Batch(items)) = read(many.as_bytes(), 128) else { panic!("a batch") };
        assert_eq!(items.len(), ITEMS_MAX);
    }

    #[test]
    fn a_request_keeps_its_id_as_it_was_written() {
        for id in ["1", "0", "-7", "9007199254740993", "1.50", "\"a\\u0062\""] {
            let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#);
            let Ok(Body::Single(Message::Request(request))) = read(text.as_bytes(), 128) else {
                panic!("{id}")
            };
            assert_eq!(request.id, Some(id));
            assert_eq!(request.method, "ping");
        }
    }

    #[test]
    fn what_is_no_request_is_told_apart_from_what_is_no_json() {
        for text in ["", "nonsense", "{", "{\"a\":1} x", "\u{feff}{}", "{\"a\":\u{1}}"] {
            assert_eq!(fault(text), (-32700, None), "{text}");
        }
        for text in ["null", "1", "\"x\"", "{}", r#"{"jsonrpc":"2.0"}"#, r#"{"jsonrpc":"1.0","method":"x"}"#]
        {
            assert_eq!(fault(text), (-32600, None), "{text}");
        }
        for id in ["null", "true", "[1]", "{}"] {
            assert_eq!(
                fault(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"x"}}"#)),
                (-32600, None),
                "{id}"
            );
        }
        let seven = Some("7".to_owned());
        assert_eq!(fault(r#"{"jsonrpc":"2.0","id":7,"method":1}"#), (-32600, seven.clone()));
        assert_eq!(fault(r#"{"jsonrpc":"2.0","id":7,"method":"x","params":[1]}"#), (-32600, seven));
    }

    #[test]
    fn duplicate_keys_are_refused_where_they_are_read() {
        assert_eq!(fault(r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"x"}"#).0, -32600);
        assert_eq!(fault(r#"{"jsonrpc":"2.0","id":1,"method":"x","params":{"a":1,"\u0061":2}}"#).0, -32600);
        let text = br#"{"jsonrpc":"2.0","id":1,"method":"x","params":{"_meta":{"a":1,"a":2}}}"#;
        let Ok(Body::Single(Message::Request(request))) = read(text, 128) else { panic!() };
        assert_eq!(request.meta().unwrap_err().id.as_deref(), Some("1"));
    }

    #[test]
    fn deep_nesting_is_refused_and_brackets_in_strings_do_not_count() {
        let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
        assert_eq!(fault(&deep).0, -32600);
        let text = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{}"}}"#, "[".repeat(200));
        assert!(read(text.as_bytes(), 128).is_ok());
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes, 16);
        }

        #[test]
        fn every_field_is_a_part_of_the_text(value in "[a-z{}:,\"\\[\\]]{0,30}") {
            let text = serde_json::json!({"jsonrpc": "2.0", "method": "m", "params": {"name": value}}).to_string();
            let Ok(Body::Single(Message::Request(request))) = read(text.as_bytes(), 128) else { panic!() };
            let name = request.params.as_ref().and_then(|params| params.string("name"));
            prop_assert_eq!(name.as_deref(), Some(value.as_str()));
        }
    }
}
