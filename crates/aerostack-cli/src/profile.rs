//! What `login` and `workspace use` keep on this machine: one file, readable by its owner only.
//!
//! Keys are kept per gateway address, and only ever sent to the address they were given for: an
//! `--api-url` typed by mistake, or by someone else, is not handed another gateway's key. The file
//! is replaced as a whole, so that a reader never meets half of one.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use aerostack_core::api::workspace::WorkspaceView;
use aerostack_core::slug::Slug;
use serde::{Deserialize, Serialize};

use crate::context::team_of;
use crate::failure::{Failure, Outcome};

const FILE_NAME: &str = "profile.toml";
/// Permission bits that nobody but the owner may have on the file.
const OPEN_FILE: u32 = 0o077;
/// Permission bits that nobody but the owner may have on the folder: to replace what is in it.
const OPEN_DIR: u32 = 0o022;

/// What the file says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Profile {
    /// The gateway of the last login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) api_url: Option<String>,
    /// What is known of each gateway, by its address.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) gateways: BTreeMap<String, Gateway>,
}

/// What is known of one gateway.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Gateway {
    /// The account key of the login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
    /// The active workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) workspace: Option<Slug>,
    /// The active workspace's team, where the account may manage it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) team: Option<Slug>,
}

impl Gateway {
    /// Makes a workspace the active one.
    pub(crate) fn activate(&mut self, workspace: &WorkspaceView) {
        self.workspace = Some(workspace.slug.clone());
        self.team = team_of(workspace);
    }

    /// Leaves no workspace active.
    pub(crate) fn deactivate(&mut self) {
        (self.workspace, self.team) = (None, None);
    }
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gateway").field("workspace", &self.workspace).finish_non_exhaustive()
    }
}

/// The folder that holds the file.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    dir: Option<PathBuf>,
}

impl Store {
    /// Names the folder; nothing is read or made yet.
    pub(crate) fn new(dir: Option<&Path>) -> Self {
        Self { dir: dir.map(Path::to_owned) }
    }

    /// The folder, if the platform names one.
    pub(crate) fn dir(&self) -> Option<&Path> {
        self.dir.as_deref()
    }

    /// Reads the file; one that is not there says nothing.
    ///
    /// # Errors
    /// When it is there and cannot be read or understood. Its text is never part of the message.
    pub(crate) fn load(&self) -> Outcome<Profile> {
        let Some(path) = self.path() else {
            return Ok(Profile::default());
        };
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Profile::default()),
            Err(error) => {
                return Err(Failure::of_io(&format!("{} cannot be read", path.display()), &error));
            }
        };
        toml::from_str(&text).map_err(|_| {
            Failure::failed(format!("{} is not a profile of this program", path.display()))
                .with_hint("remove the file and run `aerostack login` again")
        })
    }

    /// Replaces the file.
    ///
    /// # Errors
    /// When the platform names no folder, or it cannot be written.
    pub(crate) fn save(&self, profile: &Profile) -> Outcome {
        let dir = self.dir.as_deref().ok_or_else(|| {
            Failure::failed("this platform names no folder for settings")
                .with_hint("set AEROSTACK_CONFIG_DIR to a folder of yours")
        })?;
        let text = toml::to_string(profile).expect("a profile is plain data");
        make_dir(dir).and_then(|()| replace(&dir.join(FILE_NAME), text.as_bytes())).map_err(|error| {
            Failure::of_io(&format!("the profile cannot be saved in {}", dir.display()), &error)
        })
    }

    /// The first path, of file and folder, whose contents others than its owner can get at.
    pub(crate) fn open_to_others(&self) -> Option<PathBuf> {
        let dir = self.dir.clone()?;
        let paths = [(dir.join(FILE_NAME), OPEN_FILE), (dir, OPEN_DIR)];
        paths.into_iter().find(|(path, bits)| has_permission(path, *bits)).map(|(path, _)| path)
    }

    fn path(&self) -> Option<PathBuf> {
        self.dir.as_ref().map(|dir| dir.join(FILE_NAME))
    }
}

fn make_dir(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // The process id keeps two runs at the same time from writing into one file.
    let new = path.with_extension(format!("{}.new", std::process::id()));
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&new).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    let result = written.and_then(|()| fs::rename(&new, path));
    if result.is_err() {
        // The half-written file is of no use; what went wrong is told either way.
        let _ = fs::remove_file(&new);
    }
    result
}

#[cfg(unix)]
fn has_permission(path: &Path, bits: u32) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & bits != 0)
}

#[cfg(not(unix))]
fn has_permission(_path: &Path, _bits: u32) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile() -> Profile {
        let gateway =
            Gateway { key: Some("ak_1".to_owned()), workspace: Slug::parse("personal").ok(), team: None };
        Profile {
            api_url: Some("https://x.test".to_owned()),
            gateways: BTreeMap::from([("https://x.test".to_owned(), gateway)]),
        }
    }

    #[test]
    fn a_profile_reads_back_and_is_its_owners_alone() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(Some(&dir.path().join("deep/aerostack")));
        assert_eq!(store.load().unwrap(), Profile::default());
        store.save(&Profile::default()).unwrap();
        store.save(&profile()).unwrap();
        assert_eq!(store.load().unwrap(), profile());
        assert_eq!(store.open_to_others(), None);
        let names: Vec<_> =
            fs::read_dir(store.dir().unwrap()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, [FILE_NAME]);
    }

    #[test]
    fn a_file_that_cannot_be_understood_is_not_shown() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(FILE_NAME), "key = \"ak_secret").unwrap();
        let failure = Store::new(Some(dir.path())).load().unwrap_err();
        assert!(!format!("{failure} {:?}", failure.hint()).contains("ak_secret"));
        assert!(!format!("{:?}", profile()).contains("ak_1"));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_may_read_is_named() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(Some(dir.path()));
        store.save(&profile()).unwrap();
        let path = dir.path().join(FILE_NAME);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(store.open_to_others(), Some(path));
    }
}
