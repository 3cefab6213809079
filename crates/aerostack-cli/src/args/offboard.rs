//! `offboard`.

use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use super::format::ItemOutput;

pub(super) const EXAMPLES: &str = "\
Examples:
  aerostack offboard alice@company.com --dry-run
  aerostack offboard alice@company.com
  aerostack offboard \"Alice Chen\" --yes --output json";

/// `offboard`.
#[derive(Debug, Args)]
pub(crate) struct Offboard {
    /// Address, or a token's name: then whoever that token is tied to
    #[arg(value_name = "EMAIL|TOKEN NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) who: String,
    /// Show what would end, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not ask
    #[arg(long, short)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) output: ItemOutput,
}
