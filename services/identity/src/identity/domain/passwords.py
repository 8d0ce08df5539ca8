"""Which passwords may be chosen: long ones, that are neither a pattern nor what somebody would try first.

NIST SP 800-63B section 5.1.1.2: length over composition rules, and a refusal of what is commonly used or says who one is.
Common passwords of twelve characters and more are built from the few words, runs and repetitions that are looked for here.
"""

from __future__ import annotations

from collections.abc import Iterable

from identity.domain.errors import WeakPassword

SHORTEST, LONGEST = 12, 256
_FEWEST_DIFFERENT = 6
#: What must be left once the words that everybody uses are taken out.
_SHORTEST_REST = 6
_COMMON = (
    "password passw0rd p@ssword p@ssw0rd qwerty admin administrator root welcome letmein iloveyou monkey dragon football "
    "baseball sunshine princess master login secret changeme default trustno1 superman michael woaini woaiwojia wodemima "
    "mima aini zhangwei wangwei zhongguo china beijing shanghai nanjing hangzhou suzhou tongban 520 1314 5201314 888888 666666 "
    "123456 123123 112233 abc123 密码 我爱你"
)
_WORDS = sorted(_COMMON.split(), key=len, reverse=True)
_ROWS = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890123456789",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "1qaz2wsx3edc4rfv5tgb",
)
_LONGEST_RUN = 4


def check_password(password: str, about: Iterable[str] = ()) -> None:
    """Raises WeakPassword, which says what to change. `about`: what everybody knows of its owner, such as the user name."""
    plain = password.casefold()
    if not SHORTEST <= len(password) <= LONGEST:
        raise WeakPassword(f"must have {SHORTEST} to {LONGEST} characters", f"须为 {SHORTEST} 至 {LONGEST} 个字符")
    if any(len(each) >= 4 and each.casefold() in plain for each in about):
        raise WeakPassword(
            "must not contain your user name, ID number, address or phone", "不得包含用户名、身份证号、邮箱或手机号"
        )
    if plain.isdecimal():
        raise WeakPassword("must not be made of digits alone", "不得全为数字")
    if len(set(plain)) < _FEWEST_DIFFERENT or _is_repetition(plain):
        raise WeakPassword("repeats itself too much", "重复内容过多")
    if len(_without_runs(_without_words(plain))) < _SHORTEST_REST:
        raise WeakPassword(
            "is made of words and runs that are tried first; add words of your own", "过于常见，请加入其他字词"
        )


def _is_repetition(text: str) -> bool:
    """Whether it is one shorter text again and again."""
    return text in (text + text)[1:-1]


def _without_words(text: str) -> str:
    for word in _WORDS:
        text = text.replace(word, "")
    return text


def _without_runs(text: str) -> str:
    """Without what runs along the alphabet, the digits or the keyboard, either way, for more than a few characters."""
    kept, at = [], 0
    while at < len(text):
        run = max((_run_at(text, at, row) for each in _ROWS for row in (each, each[::-1])), default=0)
        if run >= _LONGEST_RUN:
            at += run
        else:
            kept.append(text[at])
            at += 1
    return "".join(kept)


def _run_at(text: str, at: int, row: str) -> int:
    length = 1
    while at + length < len(text) and text[at : at + length + 1] in row:
        length += 1
    return length if text[at] in row else 0
