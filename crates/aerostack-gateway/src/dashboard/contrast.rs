//! Whether what the style sheet puts on one another can be read: WCAG 2.2, 1.4.3 and 1.4.11, in both themes.
//!
//! Colours stand in custom properties and nowhere else, so that these pairs are all there are.

use std::collections::BTreeMap;

/// What text needs, and what lines and shapes need that mean something.
const TEXT: f64 = 4.5;
const SHAPE: f64 = 3.0;
/// Everything that is written or drawn: in which colour, on which grounds, and what it needs.
const PAIRS: &[(&str, &[&str], f64)] = &[
    ("ink", &["ground", "card", "hover", "field", "code"], TEXT),
    ("soft", &["ground", "card", "hover", "field", "code"], TEXT),
    ("accent", &["ground", "card", "hover"], TEXT),
    ("accent-ink", &["accent"], TEXT),
    ("warn", &["warn-ground"], TEXT),
    ("good", &["good-ground"], TEXT),
    ("bad", &["bad-ground", "card", "hover"], TEXT),
    // The words of a dangerous button.
    ("card", &["bad"], TEXT),
    // The bars and lines of charts, the outline of what has the focus, the edges of fields.
    ("first", &["card"], SHAPE),
    ("second", &["card"], SHAPE),
    ("third", &["card"], SHAPE),
    ("accent", &["field", "line"], SHAPE),
    ("edge", &["card", "ground", "field"], SHAPE),
];
/// What only separates: without it everything could be told apart as well.
const QUIET: [&str; 2] = ["line", "strong-line"];

type Colours = BTreeMap<String, [f64; 3]>;

/// The colours of the light theme, and those of the dark one.
fn themes() -> (Colours, Colours) {
    let sheet = include_str!("../../assets/style.css");
    let mut blocks = sheet.split(":root {").skip(1).map(|block| block.split('}').next().unwrap());
    let light = colours(blocks.next().unwrap());
    let mut dark = light.clone();
    dark.extend(colours(blocks.next().unwrap()));
    (light, dark)
}

fn colours(block: &str) -> Colours {
    let properties = block.lines().filter_map(|line| line.trim().strip_prefix("--")?.split_once(": "));
    let read = |(name, value): (&str, &str)| {
        let digits = value.strip_prefix('#')?.strip_suffix(';')?;
        let part = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok().map(f64::from);
        Some((name.to_owned(), [part(0)?, part(2)?, part(4)?]))
    };
    properties.filter_map(read).collect()
}

fn luminance(colour: [f64; 3]) -> f64 {
    let linear = colour.map(|part| {
        let part = part / 255.0;
        if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    });
    0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
}

fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn everything_can_be_read_in_both_themes() {
    let (light, dark) = themes();
    let mut missed = Vec::new();
    for (theme, colours) in [("light", &light), ("dark", &dark)] {
        for (name, grounds, least) in PAIRS {
            for ground in *grounds {
                let found = contrast(colours[*name], colours[*ground]);
                if found < *least {
                    missed.push(format!("{theme}: {name} on {ground} has {found:.2} of {least}"));
                }
            }
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn every_colour_of_the_sheet_is_looked_at() {
    let (light, dark) = themes();
    assert_eq!(light.keys().collect::<Vec<_>>(), dark.keys().collect::<Vec<_>>());
    let is_known = |name: &str| {
        QUIET.contains(&name) || PAIRS.iter().any(|(of, grounds, _)| *of == name || grounds.contains(&name))
    };
    let unknown: Vec<&String> = light.keys().filter(|name| !is_known(name)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    // Outside of both themes no colour is named but black and white, for paper.
    let sheet = include_str!("../../assets/style.css");
    let rest = sheet.rsplit(":root {").next().unwrap().split_once('}').unwrap().1;
    let named = rest.split('#').skip(1).filter(|part| part.starts_with(|c: char| c.is_ascii_hexdigit()));
    let named: Vec<&str> =
        named.map(|part| &part[..3]).filter(|colour| !["000", "fff"].contains(colour)).collect();
    assert!(named.is_empty(), "{named:?}");
}

#[test]
fn contrast_is_measured_as_the_guideline_says() {
    assert!((contrast([0.0; 3], [255.0; 3]) - 21.0).abs() < 0.001);
    // The grey that is known to be just enough on white.
    assert!((contrast([118.0; 3], [255.0; 3]) - 4.54).abs() < 0.01);
}
