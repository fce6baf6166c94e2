/// What a setting's value must be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// A 32-bit number in this range.
    Int(i32, i32),
    /// A 64-bit number in this range.
    Long(i64, i64),
    /// A number in this range.
    Double(f64, f64),
    /// `true` or `false`.
    Boolean,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// Some of these words, separated by commas; any words where the list is empty.
    List(&'static [&'static str]),
}

impl Kind {
    /// Why `value` is not of this kind.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub fn check(self, value: &str) -> Result<(), String> {
        match self {
            Kind::Int(low, high) => in_range(value, low, high),
            Kind::Long(low, high) => in_range(value, low, high),
            Kind::Double(low, high) => in_range(value, low, high),
            Kind::Boolean => one_of(value, &["true", "false"]),
            Kind::OneOf(words) => one_of(value, words),
            // A list may be empty: then it holds none of the words.
            Kind::List([]) => Ok(()),
            Kind::List(_) if value.trim().is_empty() => Ok(()),
            Kind::List(words) => value.split(',').try_for_each(|word| one_of(word.trim(), words)),
        }
    }
}

fn in_range<T: std::str::FromStr + PartialOrd + std::fmt::Display>(
    value: &str,
    low: T,
    high: T,
) -> Result<(), String> {
    match value.parse::<T>() {
        Ok(number) if number >= low && number <= high => Ok(()),
        Ok(_) => Err(format!("{value} is not between {low} and {high}")),
        Err(_) => Err(format!("{value:?} is not a number")),
    }
}

fn one_of(value: &str, words: &[&str]) -> Result<(), String> {
    if words.contains(&value) { Ok(()) } else { Err(format!("{value:?} is none of {}", words.join(", "))) }
}
