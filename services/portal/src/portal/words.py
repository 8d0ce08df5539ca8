"""The domain's words as pages show them, and what a person is told when something is refused.

Chinese is the source; English comes from the catalogue (locale/en/portal.po). A refusal's English sentence is the one that
comes with it; its Chinese one stands here, by code.
"""

from __future__ import annotations

from chassis.errors import Fault, Kind


def zh(text: str) -> str:
    """Marks a text for the catalogue; it is translated where it is shown."""
    return text


STATES = {
    "submitted": zh("已提交"),
    "received": zh("已收件"),
    "forwarded": zh("已转办理地"),
    "accepted": zh("已受理"),
    "under_review": zh("审查中"),
    "granted": zh("准予"),
    "refused": zh("不予"),
    "produced": zh("已制证"),
    "delivered": zh("已送达"),
    "closed": zh("已办结"),
    "withdrawn": zh("已撤回"),
}
#: The colours of the states' tags.
COLOURS = {
    "closed": "green",
    "granted": "green",
    "produced": "green",
    "delivered": "green",
    "refused": "red",
    "withdrawn": "grey",
}

EVENTS = {
    "submitted": zh("申请提交"),
    "received": zh("收件"),
    "accepted": zh("受理"),
    "review_started": zh("开始审查"),
    "granted": zh("作出准予决定"),
    "refused": zh("作出不予决定"),
    "produced": zh("制证"),
    "delivered": zh("送达"),
    "closed": zh("办结"),
    "withdrawn": zh("撤回"),
    "withdrawal_asked": zh("申请人请求撤回"),
    "withdrawal_denied": zh("未能撤回"),
    "hand_over_offered": zh("移交另一地区"),
    "hand_over_taken": zh("接收移交"),
    "hand_over_declined": zh("未接收移交"),
    "hand_over_given_back": zh("移交退回"),
    "hand_over_refused": zh("移交被拒绝"),
    "hand_over_recall_asked": zh("已请求收回移交"),
    "hand_over_recall_denied": zh("未能收回移交"),
    "message_refused": zh("消息被对方拒收"),
}

#: The five steps that a person follows, and the states that each ends with.
STEPS = (
    (zh("提交"), ("submitted",)),
    (zh("收件"), ("received", "forwarded")),
    (zh("受理审查"), ("accepted", "under_review")),
    (zh("决定"), ("granted", "refused", "produced")),
    (zh("送达办结"), ("delivered", "closed")),
)

DUE = {
    "receive": zh("待收件"),
    "accept": zh("待受理"),
    "decide": zh("待决定"),
    "deliver": zh("待送达"),
    "hand_over": zh("待移交"),
    "look": zh("需查看"),
}

#: What a clerk has done, told once after it.
DONE = {
    "receive": zh("已收件。"),
    "accept": zh("已受理，审查开始。"),
    "grant": zh("已作出准予决定。"),
    "refuse": zh("已作出不予决定。"),
    "deliver": zh("已登记送达。"),
    "hand-over": zh("已移交，等待对方接收。"),
    "recall": zh("已请求收回移交，等待对方答复。"),
}

MODES = {
    "fully_online": zh("全程网办"),
    "proxy_collection": zh("异地代收代办"),
    "joint_handling": zh("多地联办"),
}
MODE_HELP = {
    "fully_online": zh("在网上提交材料，结果在网上送达，不用到窗口。"),
    "proxy_collection": zh("由您所在地的窗口收件，转交办理地办理，结果在您所在地送达。"),
    "joint_handling": zh("一地受理，多地协同办理。"),
}
#: Media types as people call them.
FILE_TYPES = {
    "application/pdf": zh("PDF 文档"),
    "application/msword": zh("Word 文档"),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": zh("Word 文档"),
    "image/gif": zh("图片"),
    "image/jpeg": zh("图片"),
    "image/png": zh("图片"),
    "image/webp": zh("图片"),
    "text/plain": zh("文本"),
}
OTHER_FILE = zh("其他文件")
#: Types that a browser shows in a sandbox; its viewer of PDF does not start there.
SHOWN = ("image/gif", "image/jpeg", "image/png", "image/webp", "text/plain")
AUDIENCES = {"person": zh("个人"), "firm": zh("企业"), "both": zh("个人和企业")}
PROVENANCES = {
    "recalled": zh("名称凭记忆录入，未与原文核对"),
    "generated": zh("自动生成"),
    "sample": zh("样例数据"),
}
TERMS_PROVENANCES = {
    "recalled": zh("时限和材料凭记忆录入，未与原文核对"),
    "generated": zh("时限和材料由程序生成"),
    "sample": zh("时限和材料为演示用的样例"),
}
THEMES = {
    "business registration": zh("企业登记"),
    "civil affairs": zh("民政"),
    "credit": zh("信用"),
    "employment": zh("就业"),
    "health": zh("卫生健康"),
    "household registration": zh("户籍"),
    "housing fund": zh("住房公积金"),
    "medical insurance": zh("医疗保险"),
    "notary": zh("公证"),
    "public security": zh("公安"),
    "social security": zh("社会保障"),
    "tax": zh("税务"),
    "vehicles": zh("车辆"),
}

#: Code of a refusal → what the person is told in Chinese.
_TOLD = {
    "portal.identity_unavailable": "暂时无法登录，请稍后再试。",
    "portal.gateway_unavailable": "服务暂时不可用，您已提交的内容没有丢失。请稍后再试。",
    "portal.sign_in_failed": "登录没有成功，请重新登录。",
    "portal.form_expired": "页面打开时间过长，或者不是从本站提交的。请重新打开页面再操作一次。",
    "portal.not_signed_in": "您的登录已结束，请重新登录后再操作一次。",
    "portal.role_missing": "您的账户不能使用此页面，请换用其他账户登录。",
    "portal.no_such_page": "没有这个页面，请检查网址，或从首页查找。",
    "request.too_large": "提交的内容过大：全部文件合计不能超过 3 MB。请压缩后再提交。",
    "request.too_slow": "上传用时过长，请检查网络后再试。",
    "request.too_many": "操作过于频繁，请稍等片刻再试。",
    "request.key_reused": "这份申请已经提交过，请到“我的办件”查看。",
    "request.acr_too_low": "办理这件事之前，需要更可靠地核验您的身份。",
    "request.own_people_only": "这件事只为本地区的居民办理，请在您所属地区的页面办理。",
    "identity.no_mandate": "您不能或不再能代表所选的单位，请重新选择为谁办理。",
    "case_routing.outside_mandate": "单位给您的授权不包括这个事项，请选择其他事项，或重新选择为谁办理。",
    "request.role_missing": "您的账户没有此项权限，请换用其他账户登录。",
    "token.refused": "您的登录已结束，请重新登录后再操作一次。",
    "token.session_ended": "您已在别处退出登录，请重新登录。",
    "token.keys_unavailable": "暂时无法核对您的登录，请稍后再试。",
    "rpc.deadline": "办理系统没有及时答复，操作可能已经完成。请再点一次，不会重复办理。",
    "catalogue.item_not_found": "没有找到这个事项，请重新查找。",
    "case_routing.unknown_item": "没有找到这个事项，请重新查找。",
    "case_routing.item_not_offered": "这个事项暂不能在网上申请，请到窗口咨询。",
    "case_routing.missing_material": "缺少必须提交的材料，请补齐后再提交。",
    "case_routing.unknown_material": "有材料不是本事项要求的，请重新打开申请页面。",
    "case_routing.bad_material": "有一份材料不能接收，请更换文件后再提交。",
    "case_routing.material_too_large": "材料过大：每份不超过 2 MB，合计不超过 3 MB，请压缩后再提交。",
    "case_routing.digest_mismatch": "有一份材料在上传中损坏，请重新上传。",
    "case_routing.reasons_required": "不予决定必须写明理由，请填写后再提交。",
    "case_routing.reasons_too_long": "理由过长，最多 2000 字，请精简。",
    "case_routing.material_not_open": "本地区办理这件事不需要这份材料，不能打开；请向办理地了解。",
    "case_routing.material_not_here": "办件没有这份材料，请回到办件页面重新选择。",
    "case_routing.unknown_case": "没有找到这个编号的办件，请核对编号。",
    "case_routing.not_yours": "这是他人的办件。如果您是为单位申请的，请选择为该单位办理；否则请以申请人身份登录。",
    "case_routing.not_a_party": "本地区无权办理此办件，请联系对方地区。",
    "case_routing.not_responsible": "办件现由另一地区负责，请等待其办理。",
    "case_routing.handing_over": "办件正在移交，对方接收之前任何一方都不能办理；需要时可以请求收回。",
    "case_routing.not_handing_over": "本地区没有正在进行的移交，无需收回。",
    "case_routing.already_closed": "办件已经结束，不能再办理；如有需要请重新申请。",
    "case_routing.already_decided": "办件已经作出决定，请查看决定内容。",
    "case_routing.out_of_order": "办件当前状态不能这样办理，请看清现状后再操作。",
    "case_routing.version_conflict": "您打开页面之后，办件有了变化，刚才的操作没有执行。下面是最新情况，请看清后再办理。",
    "case_routing.no_agreement": "与办理该事项的地区没有生效的协议，请到窗口咨询。",
    "case_routing.not_agreed": "与办理地区的协议不包含这个事项，请到办理地申请或到窗口咨询。",
    "notification.message_not_found": "没有找到这条消息。",
    "database.unavailable": "系统暂时不可用，请稍后再试。",
    "database.busy": "系统繁忙，请稍后再试。",
}
#: English sentences of the API that are for programs, said for people.
_TOLD_EN = {
    "request.acr_too_low": "Before you can do this, your identity has to be proven more strongly.",
    "request.own_people_only": "This is done for people of this district only; use the pages of the district that you belong to.",
    "identity.no_mandate": "You may not, or no longer, act for the firm that you chose; choose again for whom you act.",
    "case_routing.outside_mandate": "The firm's mandate does not cover this item; choose another item, or for whom you act.",
}
#: What is told where the code has no sentence of its own.
_BY_KIND = {
    Kind.INVALID: "提交的内容不符合要求，请检查后再提交。",
    Kind.UNAUTHENTICATED: "您的登录已结束，请重新登录。",
    Kind.FORBIDDEN: "您不能进行这项操作。",
    Kind.NOT_FOUND: "没有找到您要的内容。",
    Kind.CONFLICT: "现在不能这样操作，请看清现状后再试。",
    Kind.TOO_LARGE: "提交的内容过大，请压缩后再提交。",
    Kind.RATE_LIMITED: "操作过于频繁，请稍等片刻再试。",
    Kind.UNAVAILABLE: "系统暂时不可用，请稍后再试。",
    Kind.DEADLINE: "系统没有及时答复，请再试一次。",
    Kind.INTERNAL: "系统出了问题，请再试一次；如仍不行，请把下面的编号告诉工作人员。",
}


def told(fault: Fault, language: str) -> str:
    """The sentence for the person in front of the page."""
    if language == "en" and fault.message:
        return _TOLD_EN.get(fault.code, fault.message)
    return _TOLD.get(fault.code) or _BY_KIND[fault.kind]
