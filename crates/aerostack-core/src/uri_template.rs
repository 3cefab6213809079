//! Whether a URI was made from a URI template (RFC 6570), as far as one can tell afterwards.
//!
//! An expression stands for a run of characters: `{x}` for one or more that are no slash, `{+x}` and
//! `{#x}` for any, `{?x}` and `{&x}` for an optional query. All states are followed at once, 64 in one word,
//! so the time is bounded by the length of the URI, whatever the template.

/// Longest template that is matched, in bytes.
pub const TEMPLATE_MAX_BYTES: usize = 512;
/// Longest URI that is matched, in bytes.
pub const URI_MAX_BYTES: usize = 1_024;
/// Most expressions of a template that is matched.
pub const EXPRESSIONS_MAX: usize = 8;

/// A template, read once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UriTemplate(Vec<Token>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    /// This byte.
    Byte(u8),
    /// One or more of this kind.
    Some(Run),
    /// None or more of this kind.
    Any(Run),
    /// What follows up to [`Token::Close`] may be missing.
    Open,
    Close,
}

/// Which bytes an expression stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Run {
    /// No slash.
    Segment,
    /// Every byte.
    Everything,
}

impl Run {
    const fn takes(self, byte: u8) -> bool {
        match self {
            Self::Segment => byte != b'/',
            Self::Everything => true,
        }
    }
}

impl UriTemplate {
    /// Reads a template; `None` if it is unbalanced, or larger than what is matched.
    #[must_use]
    pub fn parse(template: &str) -> Option<Self> {
        if template.len() > TEMPLATE_MAX_BYTES {
            return None;
        }
        let mut tokens = Vec::new();
        if template.matches('{').count() > EXPRESSIONS_MAX {
            return None;
        }
        let mut rest = template;
        while let Some((literal, after)) = rest.split_once('{') {
            tokens.extend(literal.bytes().map(Token::Byte));
            let (expression, after) = after.split_once('}')?;
            read_expression(expression, &mut tokens);
            rest = after;
        }
        tokens.extend(rest.bytes().map(Token::Byte));
        Some(Self(tokens))
    }

    /// Tells, at little cost, whether a URI begins as all that are made from it do.
    #[must_use]
    pub fn begins_like(&self, uri: &str) -> bool {
        let literal = self.0.iter().map_while(|token| match token {
            Token::Byte(byte) => Some(*byte),
            _ => None,
        });
        let mut bytes = uri.bytes();
        literal.into_iter().all(|expected| bytes.next() == Some(expected))
    }

    /// Tells whether a URI may have been made from it.
    #[must_use]
    pub fn matches(&self, uri: &str) -> bool {
        if uri.len() > URI_MAX_BYTES {
            return false;
        }
        let steps = Steps::of(&self.0);
        let mut states = States::default();
        states.enter(0);
        steps.pass_on(&mut states);
        for byte in uri.bytes() {
            states = steps.take(&states, byte);
            if states.is_empty() {
                return false;
            }
        }
        states.has(self.0.len())
    }
}

/// Sets of places between tokens, a bit each.
const WORDS: usize = (TEMPLATE_MAX_BYTES + EXPRESSIONS_MAX) / 64 + 1;

#[derive(Clone, Copy, Default)]
struct States([u64; WORDS]);

impl States {
    const fn enter(&mut self, state: usize) {
        self.0[state / 64] |= 1 << (state % 64);
    }

    const fn has(&self, state: usize) -> bool {
        self.0[state / 64] & (1 << (state % 64)) != 0
    }

    fn is_empty(&self) -> bool {
        self.0 == [0; WORDS]
    }
}

/// Which places lead on, and where.
struct Steps {
    /// By a byte.
    bytes: Vec<States>,
    /// By one or more of a run, and by none or more: of segments, of everything.
    some: [States; 2],
    any: [States; 2],
    /// By nothing, always forwards, in order of where they begin.
    free: Vec<(usize, usize)>,
}

impl Steps {
    fn of(tokens: &[Token]) -> Self {
        let mut steps = Self {
            bytes: vec![States::default(); 256],
            some: <[States; 2]>::default(),
            any: <[States; 2]>::default(),
            free: Vec::new(),
        };
        for (state, token) in tokens.iter().enumerate() {
            match token {
                Token::Byte(byte) => steps.bytes[usize::from(*byte)].enter(state),
                Token::Some(run) => steps.some[*run as usize].enter(state),
                Token::Any(run) => {
                    steps.any[*run as usize].enter(state);
                    steps.free.push((state, state + 1));
                }
                Token::Close => steps.free.push((state, state + 1)),
                Token::Open => {
                    let close = tokens[state..].iter().position(|token| *token == Token::Close);
                    let after = close.map_or(tokens.len(), |close| state + close + 1);
                    steps.free.extend([(state, state + 1), (state, after)]);
                }
            }
        }
        steps
    }

    /// Where a byte leads to, 64 places at a time.
    fn take(&self, states: &States, byte: u8) -> States {
        let of = |runs: &[States; 2], word: usize| {
            let segment = if Run::Segment.takes(byte) { runs[Run::Segment as usize].0[word] } else { 0 };
            segment | runs[Run::Everything as usize].0[word]
        };
        let mut next = States::default();
        let mut carried = 0;
        for word in 0..WORDS {
            let here = states.0[word];
            let (some, any) = (here & of(&self.some, word), here & of(&self.any, word));
            let forwards = here & self.bytes[usize::from(byte)].0[word] | some;
            next.0[word] = some | any | forwards << 1 | carried;
            carried = forwards >> 63;
        }
        self.pass_on(&mut next);
        next
    }

    fn pass_on(&self, states: &mut States) {
        for (from, to) in &self.free {
            if states.has(*from) {
                states.enter(*to);
            }
        }
    }
}

fn read_expression(expression: &str, tokens: &mut Vec<Token>) {
    let run = if expression.ends_with('*') { Run::Everything } else { Run::Segment };
    match expression.bytes().next() {
        Some(b'+') => tokens.push(Token::Some(Run::Everything)),
        Some(b'#') => {
            tokens.extend([Token::Open, Token::Byte(b'#'), Token::Any(Run::Everything), Token::Close]);
        }
        Some(sign @ (b'?' | b'&')) => {
            tokens.extend([Token::Open, Token::Byte(sign), Token::Any(Run::Everything), Token::Close]);
        }
        Some(sign @ (b'.' | b'/' | b';')) => {
            let run = if expression.contains(',') { Run::Everything } else { run };
            tokens.extend([Token::Open, Token::Byte(sign), Token::Any(run), Token::Close]);
        }
        _ => tokens.push(Token::Some(run)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_uri_matches_the_template_it_was_made_from() {
        for (template, uri, expected) in [
            ("test://template/{id}/data", "test://template/123/data", true),
            ("test://template/{id}/data", "test://template//data", false),
            ("test://template/{id}/data", "test://template/1/2/data", false),
            ("test://template/{id}/data", "test://template/123/date", false),
            ("file:///{+path}", "file:///a/b/c.txt", true),
            ("file:///{path*}", "file:///a/b", true),
            ("db://{table}{?limit,offset}", "db://users", true),
            ("db://{table}{?limit,offset}", "db://users?limit=5&offset=6", true),
            ("a:{x}{y}", "a:12", true),
            ("a:{x}{y}", "a:1", false),
            ("a:b{/c}", "a:b", true),
            ("a:b{/c}", "a:b/x", true),
            ("a:b{/c}", "a:b/x/y", false),
            ("a:b{#c}", "a:b#x", true),
            ("a:b", "a:b", true),
            ("a:b", "a:c", false),
        ] {
            let parsed = UriTemplate::parse(template).unwrap();
            assert_eq!(parsed.matches(uri), expected, "{template} {uri}");
        }
    }

    #[test]
    fn what_is_unbalanced_or_too_long_matches_nothing() {
        assert_eq!(UriTemplate::parse("a:{b"), None);
        assert_eq!(UriTemplate::parse(&"a".repeat(TEMPLATE_MAX_BYTES + 1)), None);
        let anything = UriTemplate::parse("{+x}").unwrap();
        assert!(!anything.matches(&"a".repeat(URI_MAX_BYTES + 1)));
    }

    #[test]
    fn the_worst_template_takes_a_step_per_byte() {
        let worst = format!("{{+x}}{}", "a".repeat(TEMPLATE_MAX_BYTES - 4));
        let template = UriTemplate::parse(&worst).unwrap();
        let uri = "a".repeat(URI_MAX_BYTES);
        // With a step per byte and state it would take minutes.
        for _ in 0..500 {
            assert!(template.matches(&uri));
            assert!(!template.matches(&uri[..TEMPLATE_MAX_BYTES - 4]), "nothing is left for the expression");
        }
    }

    proptest! {
        #[test]
        fn filling_in_gives_a_match(before in "[a-z:/]{0,10}", value in "[a-z0-9%.]{1,10}", after in "[a-z/]{0,10}") {
            let template = UriTemplate::parse(&format!("{before}{{x}}{after}")).unwrap();
            let uri = format!("{before}{value}{after}");
            prop_assert!(template.matches(&uri));
        }

        #[test]
        fn no_text_makes_it_panic(template in ".{0,60}", uri in ".{0,60}") {
            if let Some(template) = UriTemplate::parse(&template) {
                let _ = template.matches(&uri);
            }
        }
    }
}
