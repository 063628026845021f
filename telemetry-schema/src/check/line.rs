//! One line of a scrape.

use super::scrape::ScrapedKind;

/// What a line says.
#[derive(Debug, PartialEq)]
pub(super) enum Line {
    /// An empty line or a comment.
    Nothing,
    /// A name of a family of which something is told that is not compared.
    About(String),
    Type(String, ScrapedKind),
    Sample(Sample),
}

#[derive(Debug, PartialEq)]
pub(super) struct Sample {
    pub(super) name: String,
    pub(super) labels: Vec<(String, String)>,
    pub(super) value: f64,
}

/// Why a line is not of the format: what was expected.
pub(super) type Expected = &'static str;

/// Whether every reader of Prometheus knows this as a name of a metric or, without colons, of a label.
pub(super) fn is_classic(name: &str) -> bool {
    Cursor { rest: name }.name(is_of_metric) == Some(name)
}

fn is_of_metric(char: char) -> bool {
    char.is_ascii_alphanumeric() || char == '_' || char == ':'
}

fn is_of_label(char: char) -> bool {
    char.is_ascii_alphanumeric() || char == '_'
}

/// Reads a line, without its end.
pub(super) fn read(line: &str, open_metrics: bool) -> Result<Line, Expected> {
    let mut cursor = Cursor { rest: line };
    cursor.skip_blanks();
    if cursor.rest.is_empty() {
        return Ok(Line::Nothing);
    }
    if cursor.take('#') {
        return cursor.metadata();
    }
    cursor.sample(open_metrics).map(Line::Sample)
}

struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
    }

    fn take(&mut self, char: char) -> bool {
        let stripped = self.rest.strip_prefix(char);
        self.rest = stripped.unwrap_or(self.rest);
        stripped.is_some()
    }

    fn while_is(&mut self, is_part: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|char| !is_part(char)).unwrap_or(self.rest.len());
        let (part, rest) = self.rest.split_at(end);
        self.rest = rest;
        part
    }

    fn word(&mut self) -> &'a str {
        self.skip_blanks();
        self.while_is(|char| char != ' ' && char != '\t')
    }

    fn name(&mut self, is_part: fn(char) -> bool) -> Option<&'a str> {
        let begins = self.rest.starts_with(|first: char| is_part(first) && !first.is_ascii_digit());
        begins.then(|| self.while_is(is_part))
    }

    /// A text in quotation marks.
    fn quoted(&mut self) -> Result<String, Expected> {
        const EXPECTED: Expected = "a text in double quotes, with \\\\, \\\" and \\n as its only escapes";
        let mut text = String::new();
        if !self.take('"') {
            return Err(EXPECTED);
        }
        let mut chars = self.rest.chars();
        loop {
            match chars.next().ok_or(EXPECTED)? {
                '"' => break,
                '\\' => text.push(match chars.next() {
                    Some('n') => '\n',
                    Some(escaped @ ('\\' | '"')) => escaped,
                    _ => return Err(EXPECTED),
                }),
                char => text.push(char),
            }
        }
        self.rest = chars.as_str();
        Ok(text)
    }

    /// What follows the sign of a comment.
    fn metadata(&mut self) -> Result<Line, Expected> {
        let word = self.word();
        if !["HELP", "TYPE", "UNIT"].contains(&word) {
            return Ok(Line::Nothing);
        }
        self.skip_blanks();
        let name = if self.rest.starts_with('"') {
            self.quoted()?
        } else {
            self.name(is_of_metric).ok_or("the name of a family")?.to_owned()
        };
        if !(self.rest.is_empty() || self.rest.starts_with([' ', '\t'])) {
            return Err("a space after the name of the family");
        }
        if word != "TYPE" {
            return Ok(Line::About(name));
        }
        let kind = ScrapedKind::of(self.word()).ok_or("a type that the format knows")?;
        self.end()?;
        Ok(Line::Type(name, kind))
    }

    fn sample(&mut self, open_metrics: bool) -> Result<Sample, Expected> {
        let mut name = self.name(is_of_metric).map(str::to_owned);
        self.skip_blanks();
        let labels = if self.take('{') { self.labels(&mut name)? } else { Vec::new() };
        let name = name.filter(|name| !name.is_empty()).ok_or("the name of a metric")?;
        let value = self.number()?.ok_or("a value")?;
        self.number()?;
        self.skip_blanks();
        if open_metrics && self.take('#') {
            self.skip_blanks();
            if !self.take('{') {
                return Err("the labels of an exemplar");
            }
            self.labels(&mut Some(String::new()))?;
            self.number()?.ok_or("the value of an exemplar")?;
            self.number()?;
        }
        self.end()?;
        Ok(Sample { name, labels, value })
    }

    /// Labels up to the closing brace. Before the first of them, a metric without a name gets it in quotation marks.
    fn labels(&mut self, name: &mut Option<String>) -> Result<Vec<(String, String)>, Expected> {
        let mut labels = Vec::new();
        loop {
            self.skip_blanks();
            if self.take('}') {
                break;
            }
            let is_quoted = self.rest.starts_with('"');
            let key = if is_quoted {
                self.quoted()?
            } else {
                self.name(is_of_label).ok_or("the name of a label")?.to_owned()
            };
            self.skip_blanks();
            if self.take('=') {
                self.skip_blanks();
                labels.push((key, self.quoted()?));
            } else if is_quoted && name.is_none() && labels.is_empty() {
                *name = Some(key);
            } else {
                return Err("= after the name of a label");
            }
            self.skip_blanks();
            if !self.take(',') && !self.rest.starts_with('}') {
                return Err(", or } after a label");
            }
        }
        let mut keys: Vec<&str> = labels.iter().map(|(key, _)| key.as_str()).collect();
        keys.sort_unstable();
        if keys.first().is_some_and(|key| key.is_empty()) {
            return Err("a label with a name");
        }
        if keys.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err("each label once");
        }
        Ok(labels)
    }

    /// A number, unless the line or its main part ends here.
    fn number(&mut self) -> Result<Option<f64>, Expected> {
        self.skip_blanks();
        if self.rest.is_empty() || self.rest.starts_with('#') {
            return Ok(None);
        }
        self.word().parse().map(Some).map_err(|_| "a number")
    }

    fn end(&mut self) -> Result<(), Expected> {
        self.skip_blanks();
        if self.rest.is_empty() { Ok(()) } else { Err("the end of the line") }
    }
}
