//! A message of a client: `jsonrpc`, `id` as raw text, `method`, and the fields of `params` and
//! `params._meta`, each value still raw. All of it is read in one pass.
//!
//! Duplicate keys are refused at the levels that are read: two readers could choose different ones. Ids
//! and the number of fields are bounded there: the one is repeated in whatever is said about a request,
//! the other takes many times its text in memory.

use std::borrow::Cow;

use super::scan::{Scanner, Unfit, unescaped};

/// Longest raw id, in bytes.
pub const ID_MAX_BYTES: usize = 1_024;
/// Most fields of an object that is read.
pub const FIELDS_MAX: usize = 1_024;
/// Most messages of a batch that are told apart: more than any setting allows.
const ITEMS_MAX: usize = 1_024;
/// Fields that objects usually have at most.
const FIELDS_USUAL: usize = 8;

/// Which fields of an object are opened, if they are objects, and which of theirs.
struct Opens(&'static [(&'static str, Opens)]);

const NONE: Opens = Opens(&[]);
const OF_MESSAGES: Opens = Opens(&[("params", Opens(&[("_meta", NONE)]))]);

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
    const fn of(unfit: Unfit) -> Self {
        match unfit {
            Unfit::NotJson => Self { code: -32700, message: "Parse error: the body is not JSON", id: None },
            Unfit::TooDeep => Self::not_a_request("Invalid request: nested too deeply"),
        }
    }

    const fn no_object() -> Self {
        Self::not_a_request("Invalid request: not an object")
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
    fields: Vec<Field<'a>>,
}

#[derive(Clone, Debug)]
struct Field<'a> {
    key: Cow<'a, str>,
    raw: &'a str,
    /// Its value, where it was opened.
    object: Option<Object<'a>>,
}

impl<'a> Object<'a> {
    /// Reads a text that is an object without a key twice; `None` if it is anything else.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let object = Self::read(text, &NONE, usize::MAX).ok()?;
        object.check().ok().map(|()| object)
    }

    fn read(text: &'a str, opens: &Opens, depth_max: usize) -> Result<Self, Unfit> {
        let mut scanner = Scanner::new(text, depth_max);
        let object = Self::scan(&mut scanner, text, opens)?;
        scanner.end().map(|()| object)
    }

    /// Reads the object that begins where the scanner stands. As deep as `opens`, it calls itself.
    fn scan(scanner: &mut Scanner<'a>, text: &'a str, opens: &Opens) -> Result<Self, Unfit> {
        let start = scanner.at();
        let mut opened = scanner.open_object()?;
        let mut fields = Vec::with_capacity(FIELDS_USUAL / 2);
        while let Some(key) = scanner.next_key(&mut opened)? {
            let inner = opens.0.iter().find(|(name, _)| *name == key).map(|(_, inner)| inner);
            let field = match inner.filter(|_| scanner.peek() == Some(b'{')) {
                Some(inner) => {
                    let object = Self::scan(scanner, text, inner)?;
                    Field { key, raw: object.text, object: Some(object) }
                }
                None => Field { key, raw: scanner.value()?, object: None },
            };
            // One more than allowed stands for any number.
            if fields.len() <= FIELDS_MAX {
                fields.push(field);
            }
        }
        Ok(Self { text: &text[start..scanner.at()], fields })
    }

    /// Refuses too many fields, and two of one name.
    fn check(&self) -> Result<(), Fault> {
        if self.fields.len() > FIELDS_MAX {
            return Err(Fault::not_a_request("Invalid request: too many fields"));
        }
        if self.has_key_twice() {
            return Err(Fault::not_a_request("Invalid request: a key appears twice"));
        }
        Ok(())
    }

    fn has_key_twice(&self) -> bool {
        if self.fields.len() <= FIELDS_USUAL {
            let is_before = |(at, field): (usize, &Field<'_>)| {
                self.fields[..at].iter().any(|before| before.key == field.key)
            };
            return self.fields.iter().enumerate().any(is_before);
        }
        let mut keys: Vec<&str> = self.fields.iter().map(|field| field.key.as_ref()).collect();
        keys.sort_unstable();
        keys.windows(2).any(|pair| pair[0] == pair[1])
    }

    fn field(&self, key: &str) -> Option<&Field<'a>> {
        self.fields.iter().find(|field| field.key == key)
    }

    /// The raw text of a field's value.
    #[must_use]
    pub fn raw(&self, key: &str) -> Option<&'a str> {
        self.field(key).map(|field| field.raw)
    }

    /// A field's value, if it is a string.
    #[must_use]
    pub fn string(&self, key: &str) -> Option<Cow<'a, str>> {
        unescaped(self.raw(key)?)
    }

    /// A field's value, if it is an object.
    ///
    /// # Errors
    /// [`Fault`] when the object has a key twice.
    pub fn object(&self, key: &str) -> Result<Option<Self>, Fault> {
        let Some(raw) = self.raw(key).filter(|raw| raw.starts_with('{')) else { return Ok(None) };
        let object = Self::read(raw, &NONE, usize::MAX).map_err(Fault::of)?;
        object.check().map(|()| Some(object))
    }

    /// Its keys and the raw texts of their values, in the order they stand.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &'a str)> {
        self.fields.iter().map(|field| (field.key.as_ref(), field.raw))
    }

    /// Tells whether it has no fields.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }
}

impl<'a> Request<'a> {
    /// `params._meta`, if it is an object.
    #[must_use]
    pub fn meta(&self) -> Option<&Object<'a>> {
        self.params.as_ref()?.field("_meta")?.object.as_ref()
    }
}

/// Reads the body of a POST: one message, or a batch.
///
/// # Errors
/// [`Fault`] when it is not JSON, nested deeper than `depth_max`, or not a message.
pub fn read(body: &[u8], depth_max: usize) -> Result<Body<'_>, Fault> {
    let text = simdutf8::basic::from_utf8(body).map_err(|_| Fault::of(Unfit::NotJson))?;
    let mut scanner = Scanner::new(text, depth_max);
    match scanner.peek() {
        Some(b'{') => Ok(Body::Single(read_text(text, depth_max)?)),
        Some(b'[') => {
            let mut opened = scanner.open_array().map_err(Fault::of)?;
            let mut items = Vec::new();
            while scanner.has_next(&mut opened).map_err(Fault::of)? {
                let item = scanner.value().map_err(Fault::of)?;
                if items.len() < ITEMS_MAX {
                    items.push(item);
                }
            }
            scanner.end().map_err(Fault::of)?;
            Ok(Body::Batch(items))
        }
        _ => {
            scanner.value().and_then(|_| scanner.end()).map_err(Fault::of)?;
            Err(Fault::no_object())
        }
    }
}

/// The body of a POST.
#[derive(Clone, Debug)]
pub enum Body<'a> {
    /// One message.
    Single(Message<'a>),
    /// The texts of several, each to be read with [`read_message`]; where there are far too many, only the first.
    Batch(Vec<&'a str>),
}

/// Reads one message of a batch, the depth of which is known.
///
/// # Errors
/// [`Fault`] when it is not one.
pub fn read_message(text: &str) -> Result<Message<'_>, Fault> {
    if text.starts_with('{') { read_text(text, usize::MAX) } else { Err(Fault::no_object()) }
}

fn read_text(text: &str, depth_max: usize) -> Result<Message<'_>, Fault> {
    let mut object = Object::read(text, &OF_MESSAGES, depth_max).map_err(Fault::of)?;
    object.check()?;
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
    let method = unescaped(method).ok_or_else(|| fault("Invalid request: method must be a string"))?;
    let params = object.fields.iter_mut().find(|field| field.key == "params");
    let params = match params.map(|field| field.object.take()) {
        None => None,
        Some(Some(params)) => Some(params),
        Some(None) => return Err(fault("Invalid request: params must be an object")),
    };
    let request = Request { text: object.text, id, method, params };
    for opened in [request.params.as_ref(), request.meta()].into_iter().flatten() {
        opened.check().map_err(|inner| fault(inner.message))?;
    }
    Ok(Message::Request(request))
}

/// JSON-RPC ids are strings and numbers; MCP leaves out null.
fn is_id(raw: &str) -> bool {
    raw.starts_with(['"', '-']) || raw.starts_with(|first: char| first.is_ascii_digit())
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
        assert_eq!(read(text, 128).unwrap_err().id.as_deref(), Some("1"));
        let text = r#"{"jsonrpc":"2.0","id":1,"method":"x","params":{"a":{"b":1,"b":2},"_meta":{"c":0}}}"#;
        let Ok(Body::Single(Message::Request(request))) = read(text.as_bytes(), 128) else { panic!() };
        assert_eq!(request.meta().map(|meta| meta.text), Some(r#"{"c":0}"#));
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
