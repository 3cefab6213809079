//! placeholder
pub(crate) fn run(_filter: &[String]) -> anyhow::Result<()> {
    Ok(())
}
