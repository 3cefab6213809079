//! The plan table as a setting: a list of changes to the product's own.

use aerostack_core::plan::{Plan, PlanTable};

use super::reader::Kind;

pub(super) const PLANS: Kind<PlanTable> = Kind { parse: parse_plans, show: show_plans };

fn parse_plans(text: &str) -> Result<PlanTable, String> {
    let mut entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    entries.try_fold(PlanTable::default(), |table, entry| {
        changed(table, entry).ok_or_else(|| {
            format!(
                "'{entry}' is no change of a plan, such as pro.tokens=50, free.workspaces=unlimited or team.rate=600"
            )
        })
    })
}

fn changed(table: PlanTable, entry: &str) -> Option<PlanTable> {
    let (name, value) = entry.split_once('=')?;
    let (plan, field) = name.trim().split_once('.')?;
    let plan: Plan = plan.parse().ok()?;
    let value = match value.trim() {
        "unlimited" => None,
        number => Some(number.parse::<u32>().ok()?),
    };
    let mut limits = table.limits(plan);
    match (field, value) {
        ("tokens", value) => limits.tokens = value,
        ("workspaces", value) => limits.workspaces = value,
        // Without a number it would mean the gateway's own setting, which is not unlimited.
        ("rate", Some(1..)) => limits.rate_limit_per_minute = value,
        _ => return None,
    }
    Some(table.with(plan, limits))
}

fn show_plans(table: &PlanTable) -> String {
    let number = |limit: Option<u32>| limit.map_or_else(|| "unlimited".to_owned(), |limit| limit.to_string());
    let row = |plan: Plan| {
        let limits = table.limits(plan);
        let rate =
            limits.rate_limit_per_minute.map_or_else(String::new, |rate| format!(",{plan}.rate={rate}"));
        format!(
            "{plan}.tokens={},{plan}.workspaces={}{rate}",
            number(limits.tokens),
            number(limits.workspaces)
        )
    };
    Plan::ALL.map(row).join(",")
}
