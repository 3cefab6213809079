//! `aerostack.json` in the current folder: writing one to begin with, reading it to publish.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::path::Path;

use aerostack_core::manifest::{EXAMPLE_HOST, MANIFEST_FILE, MANIFEST_MAX_BYTES, Manifest};
use aerostack_core::slug::Slug;
use serde_json::json;

use crate::failure::{Failure, Outcome};

/// The skill's name where the folder's is none.
pub(super) const NAME_WITHOUT_FOLDER: &str = "my-skill";

/// Writes a manifest to begin with. One that is there stays.
///
/// # Errors
/// When there is one, or it cannot be written.
pub(super) fn write_new(folder: &Path, name: Option<Slug>) -> Outcome<Slug> {
    let of_folder = || {
        let name = folder.file_name().map(|name| name.to_string_lossy().into_owned());
        name.and_then(|name| Slug::from_name(&name).ok())
    };
    let fallback = || Slug::parse(NAME_WITHOUT_FOLDER).expect("it is a slug");
    let name = name.or_else(of_folder).unwrap_or_else(fallback);
    let text = format!("{:#}\n", beginning(&name));
    let failed =
        |error: &std::io::Error| Failure::of_io(&format!("{MANIFEST_FILE} cannot be written"), error);
    let mut file = match OpenOptions::new().write(true).create_new(true).open(folder.join(MANIFEST_FILE)) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            return Err(Failure::failed(format!("there is an {MANIFEST_FILE} here already"))
                .with_hint("change it, and publish it with: aerostack skill publish"));
        }
        Err(error) => return Err(failed(&error)),
    };
    file.write_all(text.as_bytes()).map_err(|error| failed(&error))?;
    Ok(name)
}

fn beginning(name: &Slug) -> serde_json::Value {
    json!({
        "name": name,
        "version": "0.1.0",
        "description": "What it does, in one line",
        "tools": [{
            "name": "hello",
            "description": "Greets somebody by name",
            "input_schema": {
                "type": "object",
                "properties": { "name": { "type": "string" } },
                "required": ["name"]
            }
        }],
        "function_url": format!("https://{EXAMPLE_HOST}/hello")
    })
}

/// Reads the manifest.
///
/// # Errors
/// When there is none, or it is too large or none.
pub(super) fn read(folder: &Path) -> Outcome<Manifest> {
    let failed = |error: &std::io::Error| match error.kind() {
        ErrorKind::NotFound => Failure::failed(format!("there is no {MANIFEST_FILE} in this folder"))
            .with_hint("write one to begin with: aerostack skill init"),
        _ => Failure::of_io(&format!("{MANIFEST_FILE} cannot be read"), error),
    };
    let limit_bytes = u64::try_from(MANIFEST_MAX_BYTES).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    let file = File::open(folder.join(MANIFEST_FILE)).map_err(|error| failed(&error))?;
    file.take(limit_bytes + 1).read_to_end(&mut bytes).map_err(|error| failed(&error))?;
    if bytes.len() > MANIFEST_MAX_BYTES {
        return Err(Failure::failed(format!("{MANIFEST_FILE} has more than {MANIFEST_MAX_BYTES} bytes")));
    }
    serde_json::from_slice(&bytes).map_err(|error| Failure::failed(format!("{MANIFEST_FILE}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aerostack_core::manifest::ManifestRefusal;

    #[test]
    fn what_is_written_to_begin_with_needs_an_address_and_is_never_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let name = write_new(folder.path(), Some(Slug::parse("deploy-skill").unwrap())).unwrap();
        let manifest = read(folder.path()).unwrap();
        assert_eq!((manifest.name.clone(), manifest.tools.len()), (name, 1));
        let refusal = ManifestRefusal::Example { field: "function_url" };
        assert_eq!(manifest.clone().check(), Err(refusal));
        let function_url = Some("https://fn.test/hello".to_owned());
        assert!(Manifest { function_url, ..manifest }.check().is_ok());
        std::fs::write(folder.path().join(MANIFEST_FILE), "mine").unwrap();
        let failure = write_new(folder.path(), None).unwrap_err();
        assert_eq!(failure.to_string(), "there is an aerostack.json here already");
        assert_eq!(std::fs::read_to_string(folder.path().join(MANIFEST_FILE)).unwrap(), "mine");
    }

    #[test]
    fn no_manifest_an_oversized_one_and_one_that_is_none_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let told = || read(folder.path()).unwrap_err();
        assert_eq!(told().to_string(), "there is no aerostack.json in this folder");
        assert_eq!(told().hint().as_deref(), Some("write one to begin with: aerostack skill init"));
        std::fs::write(folder.path().join(MANIFEST_FILE), vec![b' '; MANIFEST_MAX_BYTES + 1]).unwrap();
        assert_eq!(told().to_string(), "aerostack.json has more than 262144 bytes");
        std::fs::write(folder.path().join(MANIFEST_FILE), r#"{"name":"crm","mcpurl":"x"}"#).unwrap();
        assert!(told().to_string().starts_with("aerostack.json: unknown field `mcpurl`"), "{}", told());
    }
}
