//! Pages: the limit and the cursor of a request, and the cursor of the page after.
//!
//! A cursor is the sort key of the page's last item in URL-safe base64; to callers it is opaque.

use aerostack_core::api::page::{PAGE_DEFAULT, PAGE_MAX};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::error::ApiError;

/// Which page is wanted.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Paging {
    limit: u32,
    /// The sort key after which it begins.
    pub(super) after: Option<String>,
}

impl Paging {
    /// Reads the limit and cursor of a request.
    pub(super) fn read(limit: Option<u32>, cursor: Option<&str>) -> Result<Self, ApiError> {
        let limit = limit.unwrap_or(PAGE_DEFAULT);
        if !(1..=PAGE_MAX).contains(&limit) {
            return Err(ApiError::invalid(format!("limit is 1 to {PAGE_MAX}")));
        }
        let after = cursor.map(decode).transpose()?;
        Ok(Self { limit, after })
    }

    /// The cursor of the page that begins after a key.
    pub(super) fn cursor(&self, key: &str) -> String {
        URL_SAFE_NO_PAD.encode(key)
    }

    /// How many items to ask for: one more than the page, to know whether another follows.
    pub(super) fn fetch(&self) -> i64 {
        i64::from(self.limit) + 1
    }

    /// Cuts what was asked for to the page, and gives the cursor of the next if there is one.
    pub(super) fn cut<T>(&self, mut items: Vec<T>, key: impl Fn(&T) -> String) -> (Vec<T>, Option<String>) {
        let limit = self.limit as usize;
        if items.len() <= limit {
            return (items, None);
        }
        items.truncate(limit);
        let next = items.last().map(|last| self.cursor(&key(last)));
        (items, next)
    }
}

fn decode(cursor: &str) -> Result<String, ApiError> {
    let key = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    key.filter(|key| !key.is_empty() && !key.contains(char::is_control)).ok_or_else(|| {
        ApiError::invalid("the cursor is not one of this list")
            .with_hint("begin again without a cursor".to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_one_another_to_the_end() {
        let all = ["a", "b", "c"].map(str::to_owned);
        let mut seen = Vec::new();
        let mut cursor = None;
        loop {
            let paging = Paging::read(Some(2), cursor.as_deref()).unwrap();
            let after = paging.after.clone().unwrap_or_default();
            let found = all.iter().filter(|item| **item > after).take(3).cloned().collect();
            let (items, next) = paging.cut(found, Clone::clone);
            seen.extend(items);
            cursor = next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(seen, all);
    }

    #[test]
    fn limits_and_cursors_that_cannot_be_are_refused() {
        for (limit, cursor) in
            [(Some(0), None), (Some(1_001), None), (None, Some("")), (None, Some("!")), (None, Some("AA"))]
        {
            assert!(Paging::read(limit, cursor).is_err(), "{limit:?} {cursor:?}");
        }
        assert_eq!(Paging::read(None, None).unwrap().fetch(), 101);
    }
}
