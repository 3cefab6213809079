//! Chains that hold, and chains that somebody touched.

use super::*;

fn key(byte: u8) -> AuditKey {
    AuditKey::new([byte; 32])
}

fn chain(len: i64) -> (AuditKeys, Vec<ChainRow>) {
    let keys = AuditKeys::of("1", key(7));
    let rows = extend(&keys, Vec::new(), len);
    (keys, rows)
}

/// Appends rows up to number `len`, sealed under the present key.
fn extend(keys: &AuditKeys, mut rows: Vec<ChainRow>, len: i64) -> Vec<ChainRow> {
    let (id, key) = keys.present();
    let mut previous = rows.last().and_then(|row| row.seal).unwrap_or(Seal::GENESIS);
    let first = i64::try_from(rows.len()).unwrap() + 1;
    rows.extend((first..=len).map(|sequence| {
        let event = AuditEvent {
            at: Timestamp::from_millis(sequence),
            actor: "admin@co.com".to_owned(),
            action: Action::TokenCreated,
            object: format!("Alice {sequence}"),
            detail: String::new(),
        };
        previous = key.seal("ws_1", sequence, previous, &event);
        ChainRow { sequence, event: Some(event), seal: Some(previous), key_id: id.to_owned() }
    }));
    rows
}

fn verify(key: &AuditKeys, rows: &[ChainRow]) -> Result<i64, BrokenAt> {
    let mut verifier = Verifier::new(key, "ws_1");
    rows.iter().try_for_each(|row| verifier.check(row))?;
    Ok(verifier.result().0)
}

#[test]
fn an_untouched_chain_holds() {
    let (key, rows) = chain(5);
    assert_eq!(verify(&key, &rows), Ok(5));
}

#[test]
fn a_changed_removed_or_moved_row_is_named() {
    let (key, rows) = chain(5);
    let mut changed = rows.clone();
    changed[2].event.as_mut().unwrap().object.push('!');
    assert_eq!(verify(&key, &changed), Err(BrokenAt { sequence: 3 }));
    let mut removed = rows.clone();
    removed.remove(1);
    assert_eq!(verify(&key, &removed), Err(BrokenAt { sequence: 3 }));
    let mut moved = rows.clone();
    moved.swap(0, 1);
    assert_eq!(verify(&key, &moved), Err(BrokenAt { sequence: 2 }));
    let mut unreadable = rows;
    unreadable[4].event = None;
    assert_eq!(verify(&key, &unreadable), Err(BrokenAt { sequence: 5 }));
}

#[test]
fn another_key_or_chain_does_not_hold() {
    let (_, rows) = chain(1);
    assert_eq!(verify(&AuditKeys::of("1", key(8)), &rows), Err(BrokenAt { sequence: 1 }));
    assert_eq!(verify(&AuditKeys::of("2", key(7)), &rows), Err(BrokenAt { sequence: 1 }));
}

#[test]
fn a_chain_goes_on_under_another_key_and_never_back_to_the_one_before() {
    let (first, rows) = chain(2);
    let second = AuditKeys::of("2", key(8)).after(vec![("1".to_owned(), key(7))]);
    let rows = extend(&second, rows, 4);
    assert_eq!(verify(&second, &rows), Ok(4));
    assert_eq!(verify(&first, &rows), Err(BrokenAt { sequence: 3 }));
    let slipped_in = extend(&first, rows, 5);
    assert_eq!(verify(&second, &slipped_in), Err(BrokenAt { sequence: 5 }));
}

#[test]
fn the_vocabulary_reads_back() {
    for action in Action::ALL {
        assert_eq!(action.word().parse(), Ok(*action));
        assert_eq!(serde_json::to_value(action).unwrap(), action.word());
    }
}
