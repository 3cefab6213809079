//! What a modern server wants of a legacy caller before it answers: each input is asked for in a request of our
//! own, and when all are there the call is repeated with them.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::sync::mpsc;

use crate::jsonrpc::Object;

/// Times that one call may want input.
pub(super) const ROUNDS_MAX: u32 = 16;
/// Inputs that may be wanted at once.
const INPUTS_MAX: usize = 16;

/// What is wanted, as the server wrote it.
pub(super) struct Wanted {
    /// Each input: its key, the raw method and the raw parameters.
    pub(super) inputs: Vec<Input>,
    state: Option<String>,
}

/// One input.
pub(super) struct Input {
    pub(super) key: String,
    pub(super) method: String,
    pub(super) params: Option<String>,
}

#[derive(Deserialize)]
struct Response<'a> {
    #[serde(borrow)]
    result: &'a RawValue,
}

impl Wanted {
    /// Reads a response that is no result yet; `None` if it is anything but a wish for input.
    pub(super) fn read(message: &[u8]) -> Option<Self> {
        let response: Response<'_> = serde_json::from_slice(message).ok()?;
        let result = Object::parse(response.result.get())?;
        if result.string("resultType")? != "input_required" {
            return None;
        }
        let state = result.raw("requestState").filter(|raw| *raw != "null").map(str::to_owned);
        let requests = result.object("inputRequests").ok()?;
        let mut inputs = Vec::new();
        for (key, raw) in requests.iter().flat_map(|requests| requests.fields().collect::<Vec<_>>()) {
            let request = Object::parse(raw)?;
            let method = request.string("method")?.into_owned();
            inputs.push(Input {
                key: key.to_owned(),
                method,
                params: request.raw("params").map(str::to_owned),
            });
        }
        let is_sensible = inputs.len() <= INPUTS_MAX && !(inputs.is_empty() && state.is_none());
        is_sensible.then_some(Self { inputs, state })
    }

    /// Begins to gather them. The sender is for each that is asked for, and dropped then.
    pub(super) fn gather(&self) -> (Gathering, mpsc::Sender<(String, Option<String>)>) {
        let (sender, answers) = mpsc::channel(INPUTS_MAX);
        let gathering = Gathering {
            wanted: self.inputs.len(),
            state: self.state.clone(),
            answers,
            gathered: Vec::with_capacity(self.inputs.len()),
        };
        (gathering, sender)
    }
}

/// Inputs that are asked for.
pub(super) struct Gathering {
    wanted: usize,
    state: Option<String>,
    answers: mpsc::Receiver<(String, Option<String>)>,
    gathered: Vec<(String, String)>,
}

/// An input was not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotGiven;

impl Gathering {
    /// Waits until all are there; gives the fields that the repeated call has beside its own.
    ///
    /// *Cancellation*: dropped while waiting, it loses nothing.
    ///
    /// # Errors
    /// [`NotGiven`] when one was answered with an error, or not at all.
    pub(super) async fn all(&mut self) -> Result<String, NotGiven> {
        while self.gathered.len() < self.wanted {
            let (key, result) = self.answers.recv().await.ok_or(NotGiven)?;
            self.gathered.push((key, result.ok_or(NotGiven)?));
        }
        let state = self.state.iter().map(|state| format!(r#""requestState":{state}"#));
        let responses = self.gathered.iter().map(|(key, raw)| format!("{}:{raw}", Value::from(key.as_str())));
        let responses: Vec<String> = responses.collect();
        let responses =
            (!responses.is_empty()).then(|| format!(r#""inputResponses":{{{}}}"#, responses.join(",")));
        Ok(responses.into_iter().chain(state).collect::<Vec<_>>().join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(result: &str) -> Option<Wanted> {
        Wanted::read(format!(r#"{{"jsonrpc":"2.0","id":7,"result":{result}}}"#).as_bytes())
    }

    #[tokio::test]
    async fn the_call_is_repeated_with_every_input_and_the_state_as_they_were_written() {
        let asked =
            r#"{"a":{"method":"elicitation/create","params":{"n":2.50}},"b":{"method":"roots/list"}}"#;
        let read = wanted(&format!(
            r#"{{"resultType":"input_required","inputRequests":{asked},"requestState":"\u0061"}}"#
        ));
        let read = read.unwrap();
        let inputs: Vec<_> =
            read.inputs.iter().map(|input| (&*input.key, &*input.method, input.params.as_deref())).collect();
        let expected = [("a", "elicitation/create", Some(r#"{"n":2.50}"#)), ("b", "roots/list", None)];
        assert_eq!(inputs, expected);
        let (mut gathering, sender) = read.gather();
        for (key, result) in [("b", r#"{"roots":[]}"#), ("a", r#"{"n":9007199254740993}"#)] {
            sender.try_send((key.to_owned(), Some(result.to_owned()))).unwrap();
        }
        let fields =
            r#""inputResponses":{"b":{"roots":[]},"a":{"n":9007199254740993}},"requestState":"\u0061""#;
        assert_eq!(gathering.all().await.as_deref(), Ok(fields));
    }

    #[tokio::test]
    async fn an_input_that_is_not_given_ends_it() {
        let one =
            || wanted(r#"{"resultType":"input_required","inputRequests":{"a":{"method":"roots/list"}}}"#);
        let (mut gathering, sender) = one().unwrap().gather();
        sender.try_send(("a".to_owned(), None)).unwrap();
        assert_eq!(gathering.all().await, Err(NotGiven));
        let (mut gathering, sender) = one().unwrap().gather();
        drop(sender);
        assert_eq!(gathering.all().await, Err(NotGiven));
    }

    #[tokio::test]
    async fn a_server_may_want_nothing_but_another_try() {
        let read = wanted(r#"{"resultType":"input_required","requestState":"later"}"#).unwrap();
        assert_eq!(read.gather().0.all().await.as_deref(), Ok(r#""requestState":"later""#));
    }

    #[test]
    fn what_is_no_sensible_wish_is_none() {
        let many: Vec<String> =
            (0..=INPUTS_MAX).map(|number| format!(r#""{number}":{{"method":"roots/list"}}"#)).collect();
        let many = format!(r#"{{"resultType":"input_required","inputRequests":{{{}}}}}"#, many.join(","));
        for result in [
            r#"{"resultType":"input_required"}"#,
            r#"{"resultType":"task","requestState":"x"}"#,
            r#"{"resultType":"input_required","inputRequests":{"a":7}}"#,
            r#"{"resultType":"input_required","inputRequests":{"a":{}}}"#,
            "7",
            &many,
        ] {
            assert!(wanted(result).is_none(), "{result}");
        }
    }
}
