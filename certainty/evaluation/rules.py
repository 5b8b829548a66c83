"""Cue patterns of the `rules` baseline, written from the annotation guideline.

Their only purpose is to show in reports how well a word list performs on its own; nothing else may use them. The
patterns are case-insensitive regular expressions for text in which every apostrophe is `'`. Matches of `IGNORED` are
blanked first; then the sentence gets the first label in `PATTERNS` with a matching pattern, or `asserted`.
"""

from __future__ import annotations

from certainty import Label

_END = r"(?:ent|é|ait|aient|ant|e|ons|era)\b"
"""Endings of verbs in -er; the infinitive is left out because it is rarely the main verb."""

IGNORED: tuple[str, ...] = (
    # Brackets, relative clauses and clauses of condition, time, cause or aim do not decide the label. A relative clause
    # near the start does: "Un choix qui n'a pas plu".
    r"\([^()]*\)",
    r"^Si [^,]*,",
    r"(?<=.{30})(?<!\bce )(?<!\bceux )(?<!\bcelui )(?<!\bcelle )\b(?:qui|dont|où|auquel|à laquelle)\b[^,;:.!?»\"]*",
    r"\b(?:lorsqu|puisqu|parce qu|afin qu|pour qu|alors qu|tandis qu|tant qu|même s)(?:e |i |'|'il)[^,;:.!?»\"]*",
    r"\b(?:quand|car)\b[^,;:.!?»\"]*",
    r"\b(?:pour|de|à) ne (?:pas|plus|jamais)\b",
    # Negations that do not deny anything.
    r"\bnon seulement\b|\bpas (?:seulement|moins de|très|loin de|mal)\b",
    r"\bn'(?:\w+ )?(?:a|ont|ai|avait|avaient|hésite|hésitent) pas (?:hésité|manqué|tardé|à)\b",
    r"\bne tarder\w+ pas\b",
)

OPINION: tuple[str, ...] = (
    # Beliefs with their holder.
    r"\b(?:je|nous|j'|il|elle|ils|elles) ?(?:ne |l'|en )?(?:pens|croi|croy|trouv|estim|consid|jug|imagin)\w*",
    rf"\b(?:estim|considér){_END}|\bconsidèren?t?\b",
    r"(?<!le )(?<!un )(?<!ce )(?<!du )(?<!la )\bjug(?:ent|é|e|eait|eant)\b",
    r"\bpense(?:nt|-t-i\w|-t-el\w+)?\b|\bpensaient\b|\btrouve que\b|\bcroi(?:t|ent) (?:que|qu')",
    r"\bà (?:mon|son|leur|notre) (?:avis|sens)|\bà (?:mes|ses|leurs|nos) yeux|\baux yeux d",
    r"\bd'avis que\b|\bpoint de vue\b",
    r"\b(?:selon|d'après) (?:moi|nous)\b|\bpour (?:moi|ma part|sa part)\b|\bpersonnellement\b|\bfranchement\b",
    r"\b(?:il|me|lui|nous) me semble\b|\b(?:convaincu|persuadé)e?s? (?:que|qu')|\bd'accord\b",
    # Duties, demands, recommendations.
    r"\b(?:qu'il|il|ça) (?:nous |vous |leur |lui |ne |me |te )?(?:faut|faudra|faudrait|fallait|va falloir)\b",
    r"\bil (?:ne )?conv(?:ient|iendrait)\b|\bfaut(?:-il)? (?:pas|que|qu')",
    r"\b(?:nous|on) (?:ne )?(?:dev(?:ons|rions|rait|ra|rons)|doit)\b|\bvous (?:ne )?dev(?:ez|riez)\b",
    r"\bil (?:est|était|serait|sera) (?:\w+ )?(?:temps|important|essentiel|indispensable|nécessaire|urgent)\b",
    r"\bil (?:est|était|serait|sera) (?:\w+ )?(?:souhaitable|recommandé|conseillé|dommage|difficile|normal)\b",
    r"\bil (?:est|était|serait|sera) (?:\w+ )?(?:primordial|impératif|inacceptable|préférable|regrettable)\b",
    r"\bmieux vaut\b|\b(?:vaut|vaudrait|ferait) mieux\b|\bmérit(?:e|ent|ait|aient|erait)\b",
    r"\b(?:aurait|auraient|aurions) dû\b",
    rf"\b(?:recommand|préconis|conseill|réclam|exig|exhort|prôn|plaid){_END}",
    r"\bappel(?:le|lent|é|ait|ant) (?:\S+ ){0,4}?(?:à|au|aux)\b|\b(?:je|nous) (?:vous )?(?:demand|appel|invit|exig)\w+",
    # Wishes, hopes, regrets, thanks, stances.
    rf"\b(?:souhait|regrett|déplor|dénon[cç]|critiqu|salu|fustig|approuv|remerci|redout|applaud|félicit){_END}",
    r"\b(?:espèr|espér)\w+|\b(?:j'|n'|l'|s'|d')aim(?:e|es|ent|ais|ait|ons|erais|erait|eraient)\b|\bj'ai envie\b",
    r"\b(?:je|nous|j'|il|elle) (?:crain|voudrai|aimerai|préfèr|rêv|ador|détest|soutien)\w+|\bje veux\b",
    r"\b(?:favorable|opposé|opposée|hostile)s? (?:à|au|aux)\b|\bs'opposent?\b|\bse réjoui\w+|\bmerci\b|\bbravo\b",
    r"\bs'(?:est|était|sont) (?:dite?s? |réjoui|félicité|indigné|inquiété|insurgé|opposé)",
    r"\bs'(?:inquièt|insurg|indign|offusqu)\w+|\b(?:honte|peur) (?:de|d'|que|qu'|du|des|pour)\b",
    r"\b(?:fièr?|ravi|content|satisfait|déçu|choqué|inquièt|surpris|ému)e?s? (?:de|d'|que|qu'|par|du|des|pour)\b",
    r"\b(?:heureu|furieu)(?:x|se|ses) (?:de|d'|que|qu'|par|du|des|pour)\b",
    # Value judgements.
    r"\b(?:mal)?heureusement\b|\bhélas\b|\bdommage\b|\btant (?:mieux|pis)\b",
    r"\bin(?:acceptable|admissible|tolérable|supportable|quiétant|juste|digne|croyable|dispensable|utile|sensé)e?s?\b",
    r"\b(?:scandaleu|honteu|désastreu|merveilleu|délicieu|affreu|odieu|ennuyeu)(?:x|se|ses)\b",
    r"\b(?:magnifiqu|formidabl|extraordinair|absurd|ridicul|stupid|lamentabl|déplorabl|pitoyabl|catastrophiqu)es?\b",
    r"\b(?:irresponsabl|regrettabl|superb|sublim|remarquabl|horribl|atroc|abominabl|trist|médiocr|agréabl)es?\b",
    r"\b(?:sympathiqu|hypocrit|grotesqu|légitim|souhaitabl|ignobl|fantastiqu|terribl)es?\b",
    r"\b(?:exceptionnel|choquant|génial|excellent|étonnant|impressionnant|intéressant|passionnant)(?:le)?e?s?\b",
    r"\b(?:décevant|crucial|essentiel|primordial|aberrant|navrant|bouleversant|idéal)(?:le)?e?s?\b",
    r"\b(?:bonne|mauvaise|belle|excellente) (?:idée|chose|nouvelle|surprise|décision|solution)\b",
    r"\b(?:c'est|ce n'est|c'était|sera|est|sont|était) (?:pas |plus |une? |la |les? |des |très |trop |tout |bien |"
    r"vraiment |aussi |si |tellement |plutôt |extrêmement |encore |particulièrement )*(?:bon|bonne|mieux|mauvais|grave|"
    r"important|difficile|facile|dangereuse|dangereux|honte|scandale|erreur|gâchis|chance|insulte|plaisir|fier|drôle|dur|fou|"
    r"folle|normal|logique|clair|fort|inutile|trop|chef-d'œuvre|désastre|catastrophe|mépris|priorité|victoire|progrès)"
    r"e?s?\b",
)

PROBABLE: tuple[str, ...] = (
    r"\b(?:probable(?:ment)?|peut-être|sans doute|vraisemblable(?:ment)?|apparemment|visiblement|sûrement)\b",
    r"\b(?:[aà] priori|certainement|éventuellement|potentiellement|en principe|normalement|plausible|dit-on)\b",
    r"\bpossible (?:que|qu')|\bse (?:peut|pourrait|pourraient)\b|\bpas (?:exclue? que|impossible)\b",
    r"\b(?:hypothèse|rumeur)s?\b|\bsembl\w+|\bparaît\w*|\bparai\w+ (?:que|qu')|\b(?:a|ont|avait) l'air\b",
    r"(?<!le )(?<!un )(?<!du )(?<!au )\brisqu(?:e|ent|ait|aient) (?:\w+ )?(?:de|d')",
    r"\b(?:susceptible|soupçonné|pressenti)e?s?\b|\bsoupçonn(?:e|ent|ait|aient)\b|\bsuggèr\w+",
    r"\blaiss\w+ (?:penser|entendre|croire|supposer|présager|augurer)\b",
    r"\bs'annonce\w*|\bprév(?:oit|oient|isions?) (?:que|qu'|une? )|\bs'attend\w*",
    r"\b(?:est|sont|était|étaient) (?:\w+ )?attendue?s?\b|\battendue?s? (?:à|au|pour|en|dans|d'ici|lundi|mardi)\b",
    r"\b(?:ignore|ignorent|ignorait|reste à|restent à|on ne sait)\b|\bne (?:sais|sait|savons|savent) pas\b",
    r"\bse demand\w+|\bs'interrog\w+|\bquestion est de savoir\b|\bimpossible de (?:dire|savoir)\b",
    r"\bdout(?:e|ent|er) (?:que|qu'|de)\b|\binconnue?s\b|\bincertaine?s?\b|\bincertitude\w*",
    r"\bpas (?:certaine?|sûre?|confirmée?s?|connue?s?)\b|\bpas été (?:confirm|établi|précis|détermin)\w+",
    r"\bpeu(?:t|vent) (?:aussi |également |parfois |même |notamment )*(?:provoquer|entraîner|avoir|être|causer|se |s'|"
    r"conduire|durer|atteindre|devenir|représenter|arriver|mener|varier|affecter|aggraver)",
    r"\b(?:estim|évalu|tabl|pari|anticip)\w+ (?:que|qu'|à|sur)\b|\bchances? (?:de|que)\b",
    # The conditional; the stems exclude imperfects such as "entrait" and "montrait".
    r"\b(?:ser|aur|pourr|devr|fer|ir|verr|viendr|tiendr|saur|vaudr|faudr|\w+er|\w+[fpnl]ir|\w{2,}dr|\w+[mo]ettr|\w*recevr)"
    r"(?:ait|aient|ais|ions|iez)(?:-t-\w+|-\w+)?\b",
)

DENIED: tuple[str, ...] = (
    r"(?:\bne|\bn')\s?(?:\S+\s){1,5}?(?:pas|plus|jamais|rien|personne|aucune?|ni|nulle part|guère|nullement)\b",
    r"(?:\bne|\bn')\s?(?:\S+\s){0,4}?(?:saurait|peut|peuvent|cesse)\b",
    r"\b(?:aucune?|personne|nul|rien|pas une?|jamais|ni)\b(?:[^,;:.!?]{0,80}?)\b(?:ne\b|n')",
    r"\b(?:c'est|j'ai|y a|t'es|suis|faut) pas\b|\bpas (?:question|du tout)\b|\bnon plus\b|^\W*(?:non|pas|aucune?)\b",
    r"\b(?:ni(?:e|ent|é|ait|er|aient)|démen(?:t|ti|tir|tent|tie|ties|tis|tait)|réfut\w+|récus\w+)\b",
    r"\bcontest(?:e|ent|é|ait|er|ant)\b|\brejet(?:te|tent|é|ait)\b|\bsans fondement\b",
    r"\b(?:est|sont|totalement|complètement) (?:faux|fausses?|inexacte?s?|mensongers?|infondée?s?|impossible)\b",
    r"\bfausse (?:information|rumeur|nouvelle)\b|\b(?:il|lui|leur) (?:est|était) (?:interdit|impossible)\b",
    r"\bpas (?:de|d'|un|une) ",
)

PATTERNS: tuple[tuple[Label, tuple[str, ...]], ...] = (
    (Label.PERSONAL_OPINION, OPINION),
    (Label.PROBABLE, PROBABLE),
    (Label.DENIED, DENIED),
)
"""Patterns in the guideline's order of precedence: a view beats a hedge, and a hedge beats a negation."""
