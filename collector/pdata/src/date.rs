//! Days of the calendar.

/// Year, month and day of so many days since 1970-01-01, in the proleptic Gregorian calendar. Counted in eras of 400 years
/// that begin on 1 March, so that the leap day is the last of its year.
pub fn civil_date(days: i64) -> (i64, u8, u8) {
    let shifted = days.saturating_add(719_468);
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let small = |number: i64| u8::try_from(number).unwrap_or(u8::MAX);
    (year_of_era + era * 400 + i64::from(month <= 2), small(month), small(day))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_before_and_after_1970_have_their_dates() {
        for (days, date) in [
            (0, (1970, 1, 1)),
            (-1, (1969, 12, 31)),
            (59, (1970, 3, 1)),
            (11_016, (2000, 2, 29)),
            (20_785, (2026, 11, 28)),
            (21_243, (2028, 2, 29)),
            (-719_468, (0, 3, 1)),
        ] {
            assert_eq!(civil_date(days), date, "{days}");
        }
    }
}
