//! One pass over a JSON text: whether it is one, how deep it is nested, and what the members of the objects
//! are that are opened. Values are passed over and stay raw.
//!
//! Nothing calls itself for a level of nesting, so that no text can exhaust the stack.

use std::borrow::Cow;

/// Strings up to this length are looked at byte by byte: most keys are shorter.
const SHORT: usize = 16;

/// What is wrong with a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    /// It is not JSON.
    NotJson,
    /// It is nested deeper than it may be.
    TooDeep,
}

/// Stands somewhere in a text.
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
    depth_max: usize,
    /// Objects and arrays that are opened.
    opened: usize,
    /// What closes the objects and arrays that are passed over.
    closers: Vec<u8>,
}

/// The members of an object, or the elements of an array, that is opened.
pub(super) struct Opened {
    closer: u8,
    is_first: bool,
}

impl<'a> Scanner<'a> {
    /// Stands at the first value of a text.
    pub(super) fn new(text: &'a str, depth_max: usize) -> Self {
        let mut scanner = Self { text, at: 0, depth_max, opened: 0, closers: Vec::new() };
        scanner.skip_blanks();
        scanner
    }

    /// Where it stands, in bytes.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    /// The byte it stands at.
    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Opens the object that begins here.
    pub(super) fn open_object(&mut self) -> Result<Opened, Unfit> {
        self.open(b'{', b'}')
    }

    /// Opens the array that begins here.
    pub(super) fn open_array(&mut self) -> Result<Opened, Unfit> {
        self.open(b'[', b']')
    }

    fn open(&mut self, opener: u8, closer: u8) -> Result<Opened, Unfit> {
        if self.peek() != Some(opener) {
            return Err(Unfit::NotJson);
        }
        self.opened += 1;
        if self.opened > self.depth_max {
            return Err(Unfit::TooDeep);
        }
        self.at += 1;
        Ok(Opened { closer, is_first: true })
    }

    /// Goes to the next member's value and gives its key; `None` at the end of the object.
    pub(super) fn next_key(&mut self, object: &mut Opened) -> Result<Option<Cow<'a, str>>, Unfit> {
        if !self.has_next(object)? {
            return Ok(None);
        }
        let start = self.at;
        let (end, is_plain) = self.key()?;
        if is_plain {
            return Ok(Some(Cow::Borrowed(&self.text[start + 1..end - 1])));
        }
        unescaped(&self.text[start..end]).map(Some).ok_or(Unfit::NotJson)
    }

    /// Goes to the next element; tells whether there is one.
    pub(super) fn has_next(&mut self, opened: &mut Opened) -> Result<bool, Unfit> {
        self.skip_blanks();
        let is_first = std::mem::take(&mut opened.is_first);
        match self.peek() {
            Some(byte) if byte == opened.closer => {
                self.at += 1;
                self.opened -= 1;
                return Ok(false);
            }
            Some(b',') if !is_first => {
                self.at += 1;
                self.skip_blanks();
            }
            _ if is_first => {}
            _ => return Err(Unfit::NotJson),
        }
        Ok(true)
    }

    /// Passes over the value that begins here and gives its text.
    pub(super) fn value(&mut self) -> Result<&'a str, Unfit> {
        let start = self.at;
        match self.peek() {
            Some(b'{' | b'[') => self.nested()?,
            _ => self.flat()?,
        }
        Ok(&self.text[start..self.at])
    }

    /// Makes sure that nothing but blanks follows.
    pub(super) fn end(&mut self) -> Result<(), Unfit> {
        self.skip_blanks();
        if self.at == self.text.len() { Ok(()) } else { Err(Unfit::NotJson) }
    }

    fn skip_blanks(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// Goes to a key's value; tells where the key ended, and whether it reads as it is written.
    fn key(&mut self) -> Result<(usize, bool), Unfit> {
        if self.peek() != Some(b'"') {
            return Err(Unfit::NotJson);
        }
        let is_plain = self.string()?;
        let end = self.at;
        self.skip_blanks();
        if self.peek() != Some(b':') {
            return Err(Unfit::NotJson);
        }
        self.at += 1;
        self.skip_blanks();
        Ok((end, is_plain))
    }

    /// Passes over an object or array with all that is in it.
    fn nested(&mut self) -> Result<(), Unfit> {
        self.closers.clear();
        loop {
            // Here a value begins.
            let closer = match self.peek() {
                Some(b'{') => Some(b'}'),
                Some(b'[') => Some(b']'),
                _ => None,
            };
            if let Some(closer) = closer {
                if self.opened + self.closers.len() >= self.depth_max {
                    return Err(Unfit::TooDeep);
                }
                self.at += 1;
                self.skip_blanks();
                if self.peek() != Some(closer) {
                    self.closers.push(closer);
                    self.before_value(closer)?;
                    continue;
                }
                self.at += 1;
            } else {
                self.flat()?;
            }
            if !self.after_value()? {
                return Ok(());
            }
        }
    }

    /// Goes to the next value that is passed over; tells whether there is one.
    fn after_value(&mut self) -> Result<bool, Unfit> {
        while let Some(&closer) = self.closers.last() {
            self.skip_blanks();
            let byte = self.peek();
            self.at += 1;
            match byte {
                Some(b',') => {
                    self.skip_blanks();
                    self.before_value(closer)?;
                    return Ok(true);
                }
                Some(byte) if byte == closer => self.closers.pop(),
                _ => return Err(Unfit::NotJson),
            };
        }
        Ok(false)
    }

    fn before_value(&mut self, closer: u8) -> Result<(), Unfit> {
        if closer == b'}' { self.key().map(drop) } else { Ok(()) }
    }

    /// Passes over a value that has no others in it.
    fn flat(&mut self) -> Result<(), Unfit> {
        match self.peek() {
            Some(b'"') => self.string().map(drop),
            Some(b't') => self.word("true"),
            Some(b'f') => self.word("false"),
            Some(b'n') => self.word("null"),
            _ => self.number(),
        }
    }

    fn word(&mut self, word: &str) -> Result<(), Unfit> {
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return Err(Unfit::NotJson);
        }
        self.at += word.len();
        Ok(())
    }

    fn number(&mut self) -> Result<(), Unfit> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    /// One digit or more.
    fn digits(&mut self) -> Result<(), Unfit> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at > start { Ok(()) } else { Err(Unfit::NotJson) }
    }

    /// Passes over the string whose opening quote stands here; tells whether it reads as it is written.
    fn string(&mut self) -> Result<bool, Unfit> {
        let bytes = self.text.as_bytes();
        let (mut at, mut is_plain) = (self.at + 1, true);
        loop {
            at += plain(&bytes[at..]);
            match bytes.get(at) {
                Some(b'"') => {
                    self.at = at + 1;
                    return Ok(is_plain);
                }
                Some(b'\\') => at += escape(&bytes[at..]).ok_or(Unfit::NotJson)?,
                _ => return Err(Unfit::NotJson),
            }
            is_plain = false;
        }
    }
}

/// What a string reads whose text, quotes included, is JSON; `None` if it is no string, or no Unicode.
#[must_use]
pub fn unescaped(quoted: &str) -> Option<Cow<'_, str>> {
    let inside = quoted.strip_prefix('"')?.strip_suffix('"')?;
    if memchr::memchr(b'\\', inside.as_bytes()).is_none() {
        return Some(Cow::Borrowed(inside));
    }
    serde_json::from_str(quoted).ok().map(Cow::Owned)
}

/// Length of the escape that a text begins with.
fn escape(text: &[u8]) -> Option<usize> {
    match text.get(1)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(2),
        b'u' => text.get(2..6)?.iter().all(u8::is_ascii_hexdigit).then_some(6),
        _ => None,
    }
}

/// How many bytes of a string follow before one that ends it, begins an escape, or may not stand there.
fn plain(bytes: &[u8]) -> usize {
    let short = bytes.get(..SHORT).unwrap_or(bytes);
    if let Some(at) = short.iter().position(|&byte| is_special(byte)) {
        return at;
    }
    let rest = &bytes[short.len()..];
    let end = memchr::memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
    // The least byte of all is found by few vector instructions, and is seldom one that may not stand there.
    let least = rest[..end].iter().fold(u8::MAX, |least, &byte| least.min(byte));
    let at = if least < b' ' { rest.iter().position(|&byte| is_special(byte)) } else { None };
    short.len() + at.unwrap_or(end)
}

const fn is_special(byte: u8) -> bool {
    (byte == b'"') | (byte == b'\\') | (byte < b' ')
}

#[cfg(test)]
mod tests;
