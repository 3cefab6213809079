//! What the database itself tells about the master key: whether anything in it was sealed, and a row
//! by which a key can be tried.

use aerostack_core::audit::{AuditKeys, Verifier};

use super::audit;
use super::error::StoreError;
use super::sql::{Count, Tx, fetch_one, fetch_optional};

/// How a master key and a database fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// The database holds nothing that was sealed.
    NothingSealed,
    /// The first sealed row holds under this key.
    Fits,
    /// It does not: the key is another one, or the row was changed.
    DoesNotFit,
}

#[derive(sqlx::FromRow)]
struct ChainName {
    chain: String,
}

/// Tells whether anything in the database was sealed.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn is_anything_sealed(tx: &mut Tx) -> Result<bool, StoreError> {
    const SECRETS: &str = "SELECT COUNT(*) AS n FROM secrets";
    const ALERTS: &str = "SELECT COUNT(*) AS n FROM alerts";
    const FORMER_KEYS: &str = "SELECT COUNT(*) AS n FROM former_keys";
    Ok(first_chain(tx).await?.is_some()
        || fetch_one!(tx, Count, SECRETS)?.n > 0
        || fetch_one!(tx, Count, ALERTS)?.n > 0
        || fetch_one!(tx, Count, FORMER_KEYS)?.n > 0)
}

/// Tries keys on the first event of a chain. Those of replaced master keys are known to fit by opening.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn try_key(tx: &mut Tx, keys: &AuditKeys) -> Result<Fit, StoreError> {
    let Some(chain) = first_chain(tx).await? else {
        return Ok(Fit::NothingSealed);
    };
    let rows = audit::walk(tx, &chain, 0, 1).await?;
    let mut verifier = Verifier::new(keys, &chain);
    let holds = rows.iter().all(|row| verifier.check(row).is_ok());
    Ok(if holds { Fit::Fits } else { Fit::DoesNotFit })
}

async fn first_chain(tx: &mut Tx) -> Result<Option<String>, StoreError> {
    const SQL: &str = "SELECT chain FROM audit WHERE sequence = 1 ORDER BY chain LIMIT 1";
    Ok(fetch_optional!(tx, ChainName, SQL)?.map(|row| row.chain))
}
