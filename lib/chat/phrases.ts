import { detectLanguage } from "#lib/knowledge/language.ts"

const notFound: Record<string, string> = {
  en: "I could not find that in this website's own information. You can rephrase your question, or leave your contact details and someone will get back to you.",
  de: "Dazu habe ich in den Informationen dieser Website nichts gefunden. Formulieren Sie die Frage gern anders, oder hinterlassen Sie Ihre Kontaktdaten – dann meldet sich jemand bei Ihnen.",
  fr: "Je n’ai pas trouvé cela dans les informations de ce site. Vous pouvez reformuler votre question ou laisser vos coordonnées pour être recontacté.",
  es: "No he encontrado eso en la información de este sitio. Puede reformular la pregunta o dejar sus datos de contacto para que le respondan.",
  tr: "Bunu bu sitenin kendi bilgilerinde bulamadım. Sorunuzu başka bir şekilde sorabilir ya da iletişim bilgilerinizi bırakabilirsiniz; size dönüş yapılır.",
  ar: "لم أجد ذلك في معلومات هذا الموقع. يمكنك إعادة صياغة سؤالك أو ترك بيانات التواصل ليتم الرد عليك.",
}

/** "Not in the documents", in the question's language as far as we speak it, else the bot's, else English. */
export function notFoundPhrase(question: string, botLocale: string | null): string {
  const language = detectLanguage(question) ?? botLocale?.slice(0, 2) ?? "en"
  return notFound[language] ?? notFound[botLocale?.slice(0, 2) ?? ""] ?? notFound.en!
}

const toolPhrases = {
  confirm: {
    en: "I can do this for you. Please check it and confirm.",
    de: "Das kann ich für Sie erledigen. Bitte prüfen und bestätigen Sie es.",
    fr: "Je peux le faire pour vous. Vérifiez et confirmez, s’il vous plaît.",
    es: "Puedo hacerlo por usted. Compruébelo y confírmelo, por favor.",
    tr: "Bunu sizin için yapabilirim. Lütfen kontrol edip onaylayın.",
    ar: "يمكنني القيام بذلك من أجلك. يرجى المراجعة والتأكيد.",
  },
  done: {
    en: "Done.",
    de: "Erledigt.",
    fr: "C’est fait.",
    es: "Hecho.",
    tr: "Tamamlandı.",
    ar: "تم.",
  },
  failed: {
    en: "That did not work. You can leave your contact details, and someone will get back to you.",
    de: "Das hat nicht geklappt. Hinterlassen Sie gern Ihre Kontaktdaten, dann meldet sich jemand bei Ihnen.",
    fr: "Cela n’a pas fonctionné. Vous pouvez laisser vos coordonnées pour être recontacté.",
    es: "No ha funcionado. Puede dejar sus datos de contacto para que le respondan.",
    tr: "Bu işe yaramadı. İletişim bilgilerinizi bırakabilirsiniz; size dönüş yapılır.",
    ar: "لم ينجح ذلك. يمكنك ترك بيانات التواصل ليتم الرد عليك.",
  },
  declined: {
    en: "All right. Nothing was done.",
    de: "In Ordnung. Es wurde nichts ausgeführt.",
    fr: "D’accord. Rien n’a été fait.",
    es: "De acuerdo. No se ha hecho nada.",
    tr: "Tamam. Hiçbir şey yapılmadı.",
    ar: "حسنًا. لم يتم تنفيذ أي شيء.",
  },
  lapsed: {
    en: "This request is no longer open, so nothing was done now. Please ask again.",
    de: "Diese Anfrage ist nicht mehr offen; jetzt wurde nichts ausgeführt. Bitte fragen Sie noch einmal.",
    fr: "Cette demande n’est plus ouverte ; rien n’a été fait maintenant. Veuillez redemander.",
    es: "Esta solicitud ya no está abierta; ahora no se ha hecho nada. Vuelva a pedirlo, por favor.",
    tr: "Bu istek artık açık değil; şimdi hiçbir şey yapılmadı. Lütfen yeniden sorun.",
    ar: "لم يعد هذا الطلب مفتوحًا، ولم يتم تنفيذ شيء الآن. يرجى السؤال مرة أخرى.",
  },
} satisfies Record<string, Record<string, string>>

/** What is said around a tool that writes, in the language of `text` or the bot's. */
export function toolPhrase(
  kind: keyof typeof toolPhrases,
  text: string,
  botLocale: string | null,
): string {
  const phrases: Record<string, string> = toolPhrases[kind]
  const locale = botLocale?.slice(0, 2) ?? "en"
  return phrases[detectLanguage(text) ?? locale] ?? phrases[locale] ?? toolPhrases[kind].en
}
