//! What can be measured: the series, with their sizes, and the promises.

use super::super::load::{KIB, MIB};

/// A series, or the promises that are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Part {
    /// Tokens of one workspace
    Tokens,
    /// Workspaces, each with a token and a server
    Workspaces,
    /// Servers of the workspace that is called
    Servers,
    /// Tools of the workspace that is called
    Tools,
    /// Idle streams that are open while others call
    Streams,
    /// Letters of an answer
    Payload,
    /// What is about size and no series
    Promises,
}

/// What a gateway holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// Tokens of the one workspace, or none where there are many workspaces.
    pub(super) tokens: u32,
    /// Workspaces beside the one; they are called then.
    pub(super) workspaces: u32,
    pub(super) servers: u32,
    /// Tools of every server.
    pub(super) tools: u32,
    pub(super) streams: u32,
    /// Tokens that call, at most.
    pub(super) callers: u32,
}

impl Shape {
    /// What does not grow.
    pub(super) const SMALL: Self =
        Self { tokens: 100, workspaces: 0, servers: 1, tools: 10, streams: 0, callers: 100 };
}

/// Tokens that open streams; none may have more than 64.
const STREAMERS: u32 = 1_000;

impl Part {
    pub(super) const ALL: [Self; 7] = [
        Self::Tokens,
        Self::Workspaces,
        Self::Servers,
        Self::Tools,
        Self::Streams,
        Self::Payload,
        Self::Promises,
    ];

    /// The thing that grows, in a word or two.
    pub(super) const fn short(self) -> &'static str {
        match self {
            Self::Tokens => "tokens",
            Self::Workspaces => "workspaces",
            Self::Servers => "servers",
            Self::Tools => "tools",
            Self::Streams => "idle streams",
            Self::Payload => "answers",
            Self::Promises => "promises",
        }
    }

    /// What grows, in words.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Tokens => "tokens",
            Self::Workspaces => "workspaces",
            Self::Servers => "servers of a workspace",
            Self::Tools => "tools of a workspace",
            Self::Streams => "open idle streams",
            Self::Payload => "size of an answer, 64 at once",
            Self::Promises => "promises",
        }
    }

    /// How large it gets, in order.
    pub(super) fn sizes(self) -> &'static [u32] {
        match self {
            Self::Tokens => &[1, 100, 10_000, 100_000, 1_000_000],
            Self::Workspaces => &[1, 100, 10_000],
            Self::Servers => &[1, 10, 100],
            Self::Tools => &[10, 1_000, 5_000],
            Self::Streams => &[0, 1_000, 10_000],
            Self::Payload => &[1 << 10, 64 << 10, 1 << 20, 10 << 20],
            Self::Promises => &[],
        }
    }

    /// The size that all of the series are compared with. Of tokens that is the one whose callers are as
    /// many as those of the larger ones.
    pub(super) fn base(self) -> u32 {
        match self {
            Self::Tokens => 100,
            _ => self.sizes().first().copied().unwrap_or_default(),
        }
    }

    /// What a gateway of that size holds.
    pub(super) fn shape(self, size: u32) -> Shape {
        let small = Shape::SMALL;
        match self {
            Self::Tokens => Shape { tokens: size, ..small },
            Self::Workspaces if size == 1 => small,
            Self::Workspaces => Shape { tokens: 0, workspaces: size, ..small },
            Self::Servers => Shape { servers: size, ..small },
            Self::Tools => Shape { tools: size, ..small },
            Self::Streams => Shape { tokens: STREAMERS, callers: STREAMERS, streams: size, ..small },
            Self::Payload | Self::Promises => small,
        }
    }
}

/// A size as people write it.
pub(super) fn told(part: Part, size: u32) -> String {
    let (kib, mib) = (u32::try_from(KIB), u32::try_from(MIB));
    let (kib, mib) = (kib.expect("1,024 fits"), mib.expect("1,048,576 fits"));
    match size {
        _ if part == Part::Payload && size >= mib => format!("{} MiB", size / mib),
        _ if part == Part::Payload => format!("{} KiB", size / kib),
        _ => grouped(size),
    }
}

/// A number with commas.
pub(super) fn grouped(number: u32) -> String {
    let digits = number.to_string();
    let places = digits.len();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (places - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_told_as_people_write_them() {
        let told =
            |part: Part| -> Vec<String> { part.sizes().iter().map(|size| told(part, *size)).collect() };
        assert_eq!(told(Part::Tokens), ["1", "100", "10,000", "100,000", "1,000,000"]);
        assert_eq!(told(Part::Payload), ["1 KiB", "64 KiB", "1 MiB", "10 MiB"]);
    }
}
