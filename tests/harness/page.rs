//! Pages as a person without scripts uses them: forms are filled in and sent as they were drawn, links are
//! followed, rows are read.

use crate::answer::Answer;
use crate::browser::{Browser, path_of};
use crate::person::Person;

/// A form of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// Where it is sent.
    pub action: String,
    /// What it holds as it was drawn.
    pub fields: Vec<(String, String)>,
}

/// The forms of a page that change something, in order.
#[must_use]
pub fn forms(page: &Answer) -> Vec<Form> {
    let text = page.text();
    let parts = text.split("<form").skip(1).filter(|part| part.contains("method=\"post\""));
    parts.map(|part| form(part.split("</form>").next().unwrap_or_default())).collect()
}

fn form(text: &str) -> Form {
    let mut fields = Vec::new();
    for part in text.split('<').skip(1) {
        let Some(tag) = part.split('>').next() else { continue };
        if tag.starts_with("input") || tag.starts_with("textarea") {
            let is_chosen = !tag.contains("type=\"checkbox\"") && !tag.contains("type=\"radio\"");
            if is_chosen || tag.contains(" checked") {
                fields.extend(attribute(tag, "name").map(|name| (name, value(tag))));
            }
        } else if tag.starts_with("select") {
            fields.extend(attribute(tag, "name").map(|name| (name, String::new())));
        } else if tag.starts_with("option")
            && tag.contains(" selected")
            && let Some(last) = fields.last_mut()
        {
            last.1 = value(tag);
        }
    }
    Form { action: attribute(text, "action").unwrap_or_default(), fields }
}

fn value(tag: &str) -> String {
    attribute(tag, "value").unwrap_or_default()
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let rest = tag.split(&format!(" {name}=\"")).nth(1)?;
    Some(unescaped(rest.split('"').next()?))
}

/// Text as a person reads it.
#[must_use]
pub fn unescaped(text: &str) -> String {
    let entities =
        [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&quot;", "\""), ("&lt;", "<")];
    let mut text = text.to_owned();
    for (entity, character) in entities {
        text = text.replace(entity, character);
    }
    text.replace("&#38;", "&").replace("&amp;", "&")
}

/// What a person reads of the row of a table that holds a text.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn row(page: &Answer, holding: &str) -> String {
    let text = page.text();
    let found = text
        .split("<tr")
        .skip(1)
        .find(|part| unescaped(part.split("</tr>").next().unwrap_or("")).contains(holding));
    let found = found.unwrap_or_else(|| panic!("no row holds {holding}: {text}"));
    words(found.split_once('>').map_or("", |(_, cells)| cells.split("</tr>").next().unwrap_or("")))
}

/// HTML without its tags, blanks pressed together.
#[must_use]
pub fn words(html: &str) -> String {
    let text: String =
        html.split('<').map(|part| format!(" {}", part.split_once('>').map_or(part, |(_, t)| t))).collect();
    unescaped(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Where the link leads that has a text in it.
#[must_use]
pub fn link(page: &Answer, text: &str) -> Option<String> {
    let html = page.text();
    let mut links = html.split("<a ").skip(1).filter_map(|part| part.split("</a>").next());
    links
        .find(|part| words(&format!("<a {part}")).contains(text))
        .and_then(|part| attribute(&format!(" {part}"), "href"))
}

impl Browser {
    /// Signs in with somebody's key.
    ///
    /// # Panics
    /// When it is not accepted.
    pub async fn signs_in(&mut self, person: &Person) {
        self.opens("/sign-in").await;
        let answer = self.sends("/sign-in", &[("key", &person.key)]).await;
        assert_eq!(answer.status(), 303, "{answer:?}");
    }

    /// Somebody's browser, signed in.
    pub async fn of(person: &Person) -> Self {
        let mut browser = Self::at(person.address);
        browser.signs_in(person).await;
        browser
    }

    /// Opens the page that holds a form, fills it in and sends it; everything else stays as it was drawn.
    ///
    /// # Panics
    /// When the page has no form.
    pub async fn fills(&mut self, path: &str, typed: &[(&str, &str)]) -> Answer {
        let page = self.opens(path).await;
        self.submits(&page, typed).await
    }

    /// The same with a page that is open: its last form.
    ///
    /// # Panics
    /// When the page has none.
    pub async fn submits(&mut self, page: &Answer, typed: &[(&str, &str)]) -> Answer {
        let form = forms(page).pop().unwrap_or_else(|| panic!("no form: {}", page.text()));
        let mut fields = form.fields;
        for (name, text) in typed {
            match fields.iter_mut().find(|(known, _)| known == name) {
                Some(field) => (*text).clone_into(&mut field.1),
                None => fields.push(((*name).to_owned(), (*text).to_owned())),
            }
        }
        let fields: Vec<(&str, &str)> =
            fields.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        let own = format!("http://{}", self.address());
        self.sends_from(&own, &form.action, &fields).await
    }

    /// Goes where an answer sends the browser.
    ///
    /// # Panics
    /// When it sends it nowhere.
    pub async fn follows(&mut self, answer: &Answer) -> Answer {
        assert_eq!(answer.status(), 303, "{answer:?}");
        let place = answer.header("location").expect("it is sent somewhere").to_owned();
        let path = if place.starts_with("http") { path_of(&place) } else { place };
        self.opens(&path).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::Head;
    use bytes::Bytes;

    fn page(html: &'static str) -> Answer {
        Answer { head: Head { status: 200, headers: Vec::new() }, body: Bytes::from_static(html.as_bytes()) }
    }

    #[test]
    fn a_form_is_read_as_it_was_drawn() {
        let page = page(
            "<form method=\"post\" action=\"/a?b=1&#38;c\"><input type=\"hidden\" name=\"t\" value=\"&#60;x\">\
             <input type=\"checkbox\" name=\"off\" value=\"1\"><select name=\"s\"><option value=\"1\">One</option>\
             <option value=\"2\" selected>Two</option></select></form>",
        );
        let field = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        let expected =
            Form { action: "/a?b=1&c".to_owned(), fields: vec![field("t", "<x"), field("s", "2")] };
        assert_eq!(forms(&page), [expected]);
    }

    #[test]
    fn rows_and_links_are_read_as_words() {
        let page = page(
            "<table><tr><th>Name</th></tr><tr class=\"x\"><td>A &#38; B</td> <td><a class=\"b\" href=\"/x\">Go <b>on</b></a></td></tr></table>",
        );
        assert_eq!(row(&page, "A & B"), "A & B Go on");
        assert_eq!(link(&page, "Go on").as_deref(), Some("/x"));
        assert_eq!(link(&page, "Back"), None);
    }
}
