//! Rights, versions and references of skills.

use serde_json::json;

use super::*;
use crate::manifest::Manifest;

const RELATIONS: [Relation; 3] = [Relation::Owner, Relation::Member, Relation::Stranger];

#[test]
fn a_visibility_opens_to_whom_its_word_says() {
    let opens = |visibility: Visibility| RELATIONS.map(|relation| visibility.opens_to(relation));
    assert_eq!(opens(Visibility::Public), [true, true, true]);
    assert_eq!(opens(Visibility::Team), [true, true, false]);
    assert_eq!(opens(Visibility::Private), [true, false, false]);
    for visibility in [Visibility::Public, Visibility::Team, Visibility::Private] {
        assert_eq!(visibility.word().parse(), Ok(visibility));
    }
}

#[test]
fn caller_and_workspace_owner_must_both_have_the_right() {
    use InstallRefusal::{NotAMember, OwnerNotAMember, OwnersAlone, Unknown};
    let table = |visibility| {
        RELATIONS.map(|caller| RELATIONS.map(|owner| may_install(visibility, caller, owner).err()))
    };
    assert_eq!(table(Visibility::Public), [[None; 3]; 3]);
    let members = [None, None, Some(OwnerNotAMember)];
    assert_eq!(table(Visibility::Team), [members, members, [Some(NotAMember); 3]]);
    let owners = [None, Some(OwnersAlone), Some(OwnersAlone)];
    assert_eq!(table(Visibility::Private), [owners, [Some(Unknown); 3], [Some(Unknown); 3]]);
}

#[test]
fn versions_are_three_plain_numbers_that_sort_as_numbers() {
    let read = |text: &str| text.parse::<Version>();
    assert!(read("1.10.0").unwrap() > read("1.9.9").unwrap());
    assert_eq!(read("1.2.3").unwrap().to_string(), "1.2.3");
    assert_eq!(read("1.2.3").unwrap().next_patch(), read("1.2.4").unwrap());
    for version in ["0.0.0", "1.2.3", "999999.999999.999999"] {
        let version = read(version).unwrap();
        assert_eq!(Version::from_number(version.number()), Some(version));
    }
    assert_eq!(Version::from_number(-1), None);
    assert_eq!(Version::from_number(i64::MAX), None);
    for bad in ["", "1", "1.2", "1.2.3.4", "01.2.3", "1.2.x", "1.2.3-rc1", "v1.2.3", "1.2.1000000", "+1.2.3"]
    {
        assert_eq!(read(bad), Err(VersionError), "{bad}");
    }
}

#[test]
fn references_name_an_account_and_perhaps_a_version() {
    let read = |text: &str| {
        text.parse::<SkillReference>().map(|r| {
            (r.username.map(|u| u.to_string()), r.name.to_string(), r.version.map(|v| v.to_string()))
        })
    };
    let full =
        |version: Option<&str>| Ok((Some("acme".to_owned()), "crm".to_owned(), version.map(str::to_owned)));
    assert_eq!(read("@acme/crm"), full(None));
    assert_eq!(read("acme/crm"), full(None));
    assert_eq!(read("@acme/crm@1.2.0"), full(Some("1.2.0")));
    assert_eq!(read("acme/crm@1.2.0"), full(Some("1.2.0")));
    assert_eq!(read("crm"), Ok((None, "crm".to_owned(), None)));
    for bad in ["@crm", "a/b/c", "", "@acme/crm@", "@acme/crm@latest", "@acme/crm@1.2.0@1.2.0", "@@acme/crm"]
    {
        assert_eq!(read(bad), Err(SkillReferenceError), "{bad}");
    }
}

fn package(version: &str, description: &str) -> Package {
    let manifest: Manifest = serde_json::from_value(json!({
        "name": "crm", "version": version, "description": description, "mcp_url": "https://crm.test/mcp"
    }))
    .unwrap();
    manifest.check().unwrap()
}

#[test]
fn a_version_never_changes_and_the_next_one_is_higher() {
    let Package { version, description, backing, tools, .. } = package("1.2.0", "Finds people");
    let now = Timestamp::from_millis(1);
    let newest = SkillVersion {
        id: SkillVersionId::from_stored("skv_1".to_owned()),
        skill: SkillId::from_stored("skl_1".to_owned()),
        version,
        description,
        backing,
        tools,
        trusted: false,
        published_at: now,
        yanked_at: None,
    };
    let publish =
        |version: &str, description: &str| may_publish(Some(&newest), &package(version, description));
    assert_eq!(may_publish(None, &package("0.0.1", "")), Ok(Publishing::New));
    assert_eq!(publish("1.2.1", "Finds people"), Ok(Publishing::New));
    assert_eq!(publish("1.2.0", "Finds people"), Ok(Publishing::Same));
    assert_eq!(publish("1.2.0", "Loses people"), Err(PublishRefusal::Taken(version)));
    assert_eq!(publish("1.1.9", "Finds people"), Err(PublishRefusal::NotRising(version)));

    // A version that was taken back keeps its number.
    let yanked = SkillVersion { yanked_at: Some(now), ..newest.clone() };
    let publish = |version: &str| may_publish(Some(&yanked), &package(version, "Finds people"));
    assert_eq!(publish("1.2.0"), Err(PublishRefusal::Yanked(version)));
    assert_eq!(publish("1.1.9"), Err(PublishRefusal::NotRising(version)));
    assert_eq!(publish("1.2.1"), Ok(Publishing::New));
}
