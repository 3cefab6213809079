//! Whether a URI was made from a URI template (RFC 6570), as far as one can tell afterwards.
//!
//! An expression stands for a run of characters: `{x}` for one or more that are no slash, `{+x}` and
//! `{#x}` for any, `{?x}` and `{&x}` for an optional query. All states are followed at once, so the time
//! is bounded by the length of the URI and the number of expressions, whatever the template.

/// Longest template that is matched, in bytes.
pub const TEMPLATE_MAX_BYTES: usize = 2_048;
/// Longest URI that is matched, in bytes.
pub const URI_MAX_BYTES: usize = 2_048;
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
        let (mut states, mut next) = (Vec::new(), Vec::new());
        self.enter(0, &mut states);
        for byte in uri.bytes() {
            next.clear();
            for &state in &states {
                match self.0.get(state) {
                    Some(Token::Byte(expected)) if *expected == byte => self.enter(state + 1, &mut next),
                    Some(Token::Any(run)) if run.takes(byte) => self.enter(state, &mut next),
                    Some(Token::Some(run)) if run.takes(byte) => {
                        if !next.contains(&state) {
                            next.push(state);
                        }
                        self.enter(state + 1, &mut next);
                    }
                    _ => {}
                }
            }
            std::mem::swap(&mut states, &mut next);
            if states.is_empty() {
                return false;
            }
        }
        states.contains(&self.0.len())
    }

    /// Enters a state, and those that are reached from it without a byte.
    fn enter(&self, state: usize, states: &mut Vec<usize>) {
        if states.contains(&state) {
            return;
        }
        states.push(state);
        match self.0.get(state) {
            Some(Token::Any(_) | Token::Close) => self.enter(state + 1, states),
            Some(Token::Open) => {
                self.enter(state + 1, states);
                let close = self.0[state..].iter().position(|token| *token == Token::Close);
                self.enter(close.map_or(self.0.len(), |close| state + close + 1), states);
            }
            _ => {}
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
